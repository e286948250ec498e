//! The folder of one server: Tomcat's own settings with the port, the users and the apps of this test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::cluster::Node;
use super::options::{Jolokia, Options, PEOPLE, Role, Version, mounted};
use super::parts;
use super::process::agent;

/// Writes a fresh one.
pub fn write(options: &Options, port: u16) -> PathBuf {
    let home = options.version.home();
    assert!(
        home.is_dir(),
        "{} is not there: fetch it by `cargo xtask tomcats`",
        home.display()
    );
    let base = tempfile::Builder::new()
        .prefix("curfew-tomcat-")
        .tempdir()
        .unwrap()
        .keep();
    for folder in [
        "logs",
        "temp",
        "work",
        "webapps",
        "policy",
        "conf/Catalina/localhost",
    ] {
        fs::create_dir_all(base.join(folder)).unwrap();
    }
    for file in fs::read_dir(home.join("conf")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), base.join("conf").join(file.file_name())).unwrap();
    }
    settings(&base, port, options.node.as_ref());
    fs::write(base.join("conf/tomcat-users.xml"), users()).unwrap();
    if let Some(policy) = &options.policy {
        fs::write(base.join("policy/jolokia-access.xml"), policy).unwrap();
    }
    let manager = format!(
        "<Context docBase=\"{}\" privileged=\"true\"/>\n",
        home.join("webapps/manager").display()
    );
    deploy(&base, "manager.xml", &manager);
    if options.jolokia == Jolokia::War {
        deploy(&base, "jolokia.xml", &jolokia(options.version, &base));
    }
    for app in &options.apps {
        deploy(&base, &app.file_name(), &app.context());
    }
    base
}

/// Puts a context where Tomcat looks for it.
fn deploy(base: &Path, file: &str, context: &str) {
    fs::write(base.join("conf/Catalina/localhost").join(file), context).unwrap();
}

/// Tomcat's own `server.xml` on our port, with an access log that tests read at once.
fn settings(base: &Path, port: u16, node: Option<&Node>) {
    let file = base.join("conf/server.xml");
    let mut text = fs::read_to_string(&file).unwrap();
    let engine = r#"<Engine name="Catalina" defaultHost="localhost""#;
    let engine_of_node = node.map_or_else(
        || format!("{engine}>"),
        |node| format!("{engine} jvmRoute=\"{}\">\n{}", node.name, node.cluster()),
    );
    for (from, to) in [
        (&*format!("{engine}>"), engine_of_node),
        (r#"<Server port="8005""#, r#"<Server port="-1""#.to_owned()),
        (
            r#"<Connector port="8080" protocol="HTTP/1.1""#,
            format!(r#"<Connector address="127.0.0.1" port="{port}" protocol="HTTP/1.1""#),
        ),
        (
            r#"prefix="localhost_access_log" suffix=".txt""#,
            r#"prefix="access" suffix=".log" rotatable="false" buffered="false""#.to_owned(),
        ),
    ] {
        assert!(text.contains(from), "no {from} in {}", file.display());
        // The first alone: the second connector is in a comment.
        text = text.replacen(from, &to, 1);
    }
    fs::write(file, text).unwrap();
}

fn users() -> String {
    let user = |name: &str, password: &str, role: &str| {
        format!("  <user username=\"{name}\" password=\"{password}\" roles=\"{role}\"/>\n")
    };
    let bridges = Role::ALL.iter().map(|role| {
        let (name, password) = role.user();
        user(name, password, role.name())
    });
    let people = PEOPLE
        .iter()
        .map(|name| user(name, &format!("{name}-Secret"), "user"));
    let users: String = bridges.chain(people).collect();
    format!("<tomcat-users>\n{users}</tomcat-users>\n")
}

/// The web app straight from its archive, with this test's policy where it looks for one.
fn jolokia(version: Version, base: &Path) -> String {
    let archive = if version.is_jakarta() {
        "jolokia/jolokia-agent-war-2.0.0.war"
    } else {
        "jolokia/jolokia-war-1.7.2.war"
    };
    format!(
        "<Context docBase=\"{}\">\n{}</Context>\n",
        parts().join(archive).display(),
        mounted(&base.join("policy"), "/WEB-INF/classes")
    )
}

/// What `bin/catalina.sh run` would call Java with.
pub fn arguments(options: &Options, base: &Path, agent_port: u16) -> Vec<OsString> {
    let home = options.version.home();
    let mut all: Vec<OsString> = options.java.iter().map(OsString::from).collect();
    for module in ["lang", "io", "util", "util.concurrent"] {
        all.push(format!("--add-opens=java.base/java.{module}=ALL-UNNAMED").into());
    }
    all.push("--add-opens=java.rmi/sun.rmi.transport=ALL-UNNAMED".into());
    for (name, value) in [
        (
            "java.util.logging.config.file",
            base.join("conf/logging.properties"),
        ),
        (
            "java.util.logging.manager",
            "org.apache.juli.ClassLoaderLogManager".into(),
        ),
        ("java.io.tmpdir", base.join("temp")),
        ("catalina.home", home.clone()),
        ("catalina.base", base.to_path_buf()),
    ] {
        all.push(format!("-D{name}={}", value.display()).into());
    }
    if options.jolokia == Jolokia::Agent {
        let policy = base.join("policy/jolokia-access.xml");
        all.push(agent(agent_port, options.policy.is_some().then_some(&policy)));
    }
    all.push("-classpath".into());
    let jars = ["bin/bootstrap.jar", "bin/tomcat-juli.jar"].map(|jar| home.join(jar));
    all.push(std::env::join_paths(jars).unwrap());
    all.extend(["org.apache.catalina.startup.Bootstrap".into(), "start".into()]);
    all
}
