//! Real Tomcats to test against: each a process of its own on loopback, from the archive its makers publish.
//!
//! Start reading at [`Tomcat::start`]. What a server is made of stands in [`options`], what a person does at it in
//! [`session`]. [`proxy`] sits in between and breaks answers. The parts come from `cargo xtask tomcats`.

mod base;
mod cluster;
mod options;
pub mod process;
mod proxy;
mod session;
mod shared;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

pub use cluster::cluster;
pub use options::{App, Jolokia, Options, Role, Version};
pub use proxy::{Fault, FaultProxy};
pub use session::{OpenSession, cookie};
pub use shared::shared;

use options::SignIn;
use process::Process;

/// A Tomcat with the Manager app and the web apps of its options; stopped and removed when dropped.
///
/// One that is kept in a `static` ends with the test process.
pub struct Tomcat {
    options: Options,
    base: PathBuf,
    port: u16,
    agent_port: u16,
    process: Mutex<Option<Process>>,
    /// What is deployed by now.
    apps: Mutex<Vec<App>>,
}

impl Tomcat {
    /// Starts it and waits until all its apps answer.
    pub async fn start(options: Options) -> Tomcat {
        let tries = 3;
        for attempt in 1..=tries {
            let [port, agent_port] = free_ports();
            let base = base::write(&options, port);
            let tomcat = Tomcat {
                process: Mutex::new(Some(Process::start(
                    &base,
                    &base::arguments(&options, &base, agent_port),
                ))),
                apps: Mutex::new(options.apps.clone()),
                options: options.clone(),
                base,
                port,
                agent_port,
            };
            match tomcat.wait_until_ready().await {
                Ok(()) => return tomcat,
                // Somebody else took the port between our look and Tomcat's.
                Err(log) if log.contains("already in use") && attempt < tries => {}
                Err(log) => panic!("Tomcat {:?} did not start:\n{log}", options.version),
            }
        }
        unreachable!("the last try returns or panics")
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where Jolokia answers, without the last slash.
    pub fn jolokia_url(&self) -> String {
        match self.options.jolokia {
            Jolokia::None => panic!("this Tomcat has no Jolokia"),
            Jolokia::War => format!("{}/jolokia", self.url()),
            Jolokia::Agent => format!("http://127.0.0.1:{}/jolokia", self.agent_port),
        }
    }

    /// Name and password of the user who has this one role.
    pub fn user(&self, role: Role) -> (&'static str, &'static str) {
        role.user()
    }

    /// Every request it has answered so far, one line each as in Tomcat's own access log; our waiting is left out.
    ///
    /// The Jolokia agent answers on a port of its own and is not in it: put a [`FaultProxy`] before that.
    pub async fn access_log(&self) -> Vec<String> {
        // Tomcat writes the line after the answer, so wait for the line of a later request.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let marker = format!("/farm-mark-{} ", NEXT.fetch_add(1, Ordering::SeqCst));
        client()
            .get(format!("{}{marker}", self.url()).trim_end())
            .send()
            .await
            .unwrap();
        let start = Instant::now();
        loop {
            let log = std::fs::read_to_string(self.base.join("logs/access.log")).unwrap_or_default();
            if log.contains(&marker) {
                return log
                    .lines()
                    .filter(|line| !line.contains(" /farm-"))
                    .map(str::to_owned)
                    .collect();
            }
            assert!(start.elapsed() < Duration::from_secs(10), "no access log: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Deploys one more app while it runs.
    pub async fn deploy(&self, app: App) {
        let file = self.base.join("temp").join(app.file_name());
        std::fs::write(&file, app.context()).unwrap();
        let command = format!("deploy?{}&config=file:{}", app.query(), file.display());
        let answer = self.manage(&command).await;
        assert!(answer.starts_with("OK - "), "{answer}");
        self.apps.lock().unwrap().push(app);
    }

    /// A text command of the Manager app, such as `stop?path=/x`; gives its answer.
    pub async fn manage(&self, command: &str) -> String {
        let (name, password) = Role::Script.user();
        let address = format!("{}/manager/text/{}", self.url(), command.replace('#', "%23"));
        let request = client().get(address).basic_auth(name, Some(password));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// How people get into the app of this path.
    fn sign_in(&self, path: &str) -> SignIn {
        let apps = self.apps.lock().unwrap();
        let app = apps.iter().find(|app| app.path == path);
        app.unwrap_or_else(|| panic!("no app at {path}")).sign_in
    }

    /// Stops it as an administrator would. Nothing listens on its port afterwards.
    pub async fn stop(&self) {
        let process = self.process.lock().unwrap().take();
        tokio::task::spawn_blocking(|| drop(process)).await.unwrap();
    }

    /// Stops it and starts it again: same port, same files, a new process.
    pub async fn restart(&self) {
        self.stop().await;
        let process = Process::start(
            &self.base,
            &base::arguments(&self.options, &self.base, self.agent_port),
        );
        *self.process.lock().unwrap() = Some(process);
        if let Err(log) = self.wait_until_ready().await {
            panic!("Tomcat did not start again:\n{log}");
        }
    }

    /// An error is what it wrote.
    async fn wait_until_ready(&self) -> Result<(), String> {
        let start = Instant::now();
        let address = format!("{}/farm-ready", self.url());
        loop {
            // It takes connections early, but answers when everything is deployed. A port of another server would
            // answer too; then Tomcat says that it is in use, and ends.
            let answers = client().get(&address).send().await.is_ok();
            let lives = self.process.lock().unwrap().as_mut().is_some_and(Process::lives);
            let log = || std::fs::read_to_string(self.base.join("logs/out.log")).unwrap_or_default();
            if !lives || start.elapsed() > Duration::from_secs(90) {
                return Err(log());
            }
            let log = log();
            if log.contains("already in use") {
                return Err(log);
            }
            if answers {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Tomcat {
    fn drop(&mut self) {
        drop(self.process.lock().unwrap().take());
        if std::thread::panicking() {
            eprintln!("the logs of this Tomcat: {}", self.base.join("logs").display());
        } else {
            drop(std::fs::remove_dir_all(&self.base));
        }
    }
}

/// Where the parts lie.
pub fn parts() -> PathBuf {
    let folder = std::env::var_os("CURFEW_TEST_TOMCATS").expect(
        "tests against real Tomcats want CURFEW_TEST_TOMCATS: set it to the folder that `cargo xtask tomcats` prints, \
         or run them by `cargo xtask test rust NAME`",
    );
    PathBuf::from(folder)
}

/// A client that keeps no connection, so that tests with runtimes of their own may share it.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| new_client(0))
}

/// A client that follows nothing and keeps so many connections open.
#[expect(
    clippy::disallowed_methods,
    reason = "a browser is not the portal: it goes where the test says"
)]
pub fn new_client(idle_connections: usize) -> reqwest::Client {
    server::http::install_tls();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(idle_connections)
        .build()
        .unwrap()
}

/// Two ports of loopback that nobody uses just now.
pub fn free_ports() -> [u16; 2] {
    // Both at once, or the second could be the first again.
    let taken = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}
