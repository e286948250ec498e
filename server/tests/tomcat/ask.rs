//! The bridges over plain HTTP.

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::farm::{Role, Tomcat, new_client};

/// The name of an app's session manager, as the JMX proxy gives it.
pub fn manager(app: &str) -> String {
    format!("Catalina:type=Manager,host=localhost,context={app}")
}

/// A call of the JMX proxy by its own user.
pub fn by_proxy(client: &Client, tomcat: &Tomcat, query: &[(&str, &str)]) -> RequestBuilder {
    let (name, password) = tomcat.user(Role::Jmx);
    let address = format!("{}/manager/jmxproxy/", tomcat.url());
    let url = Url::parse_with_params(&address, query).unwrap();
    client.get(url).basic_auth(name, Some(password))
}

/// What the JMX proxy says; always with status 200.
pub async fn proxy(tomcat: &Tomcat, query: &[(&str, &str)]) -> String {
    let answer = by_proxy(&new_client(0), tomcat, query).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

/// Calls an operation of an app's session manager by the JMX proxy.
pub async fn invoke(tomcat: &Tomcat, app: &str, operation: &str, arguments: &str) -> String {
    let manager = manager(app);
    let mut query = vec![("invoke", &*manager), ("op", operation)];
    if !arguments.is_empty() {
        query.push(("ps", arguments));
    }
    proxy(tomcat, &query).await
}

/// The value an operation returned; a failure of the test when it did not.
pub async fn value(tomcat: &Tomcat, app: &str, operation: &str, arguments: &str) -> String {
    let body = invoke(tomcat, app, operation, arguments).await;
    let head = format!("OK - Operation {operation} returned:\n");
    let value = body.strip_prefix(&head).and_then(|rest| rest.strip_suffix('\n'));
    value.unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// The ids an app's session manager lists.
pub async fn ids(tomcat: &Tomcat, app: &str) -> Vec<String> {
    let list = value(tomcat, app, "listSessionIds", "").await;
    list.split_whitespace().map(str::to_owned).collect()
}

/// One POST to Jolokia, whatever comes back.
pub async fn post(tomcat: &Tomcat, body: &Value) -> Response {
    let (name, password) = tomcat.user(Role::Jolokia);
    let request = new_client(0)
        .post(tomcat.jolokia_url())
        .basic_auth(name, Some(password))
        .json(body);
    request.send().await.unwrap()
}

/// The answer of Jolokia, as JSON; HTTP says 200.
pub async fn jolokia(tomcat: &Tomcat, body: &Value) -> Value {
    let answer = post(tomcat, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// An operation of an app's session manager as Jolokia wants it.
pub fn exec(app: &str, operation: &str, arguments: &[&str]) -> Value {
    json!({"type": "exec", "mbean": manager(app), "operation": operation, "arguments": arguments})
}
