//! One server of each version for all tests that do not stop it, lock its users or count its calls.

use tokio::sync::OnceCell;

use super::Tomcat;
use super::options::{App, Jolokia, Options, Version};

static SERVERS: [OnceCell<Tomcat>; 4] = [const { OnceCell::const_new() }; 4];

/// The server of this version: Jolokia, `/x`, `/form`, `/basic`, `/stored`, `/libraries` and, up to Tomcat 9, `/uportal`.
///
/// Starts with the first test that asks and ends with the test process. Tests that look at all sessions of an app
/// deploy one of their own.
pub async fn shared(version: Version) -> &'static Tomcat {
    let start = || async {
        let options = Options::new(version)
            .app(App::form("/form"))
            .app(App::basic("/basic"))
            .app(App::stored("/stored"));
        let options = if version.is_jakarta() {
            options
                .jolokia(Jolokia::Agent)
                .app(App::libraries_of_10("/libraries"))
        } else {
            options
                .jolokia(Jolokia::War)
                .app(App::libraries_of_9("/libraries"))
                .app(App::uportal("/uportal"))
        };
        Tomcat::start(options).await
    };
    SERVERS[version as usize].get_or_init(start).await
}
