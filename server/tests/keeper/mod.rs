//! A real server for a suite of tests: it lives as long as the test process, however that ends.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs `$@` until standard input ends or says a word, then the whole group ends: a server may be a child of its script.
const KEEPER: &str = r#"
exec 3<&0
trap : TERM
"$@" </dev/null 3<&- &
read -r word <&3
kill -TERM 0
wait; wait
kill -KILL 0
"#;

/// Longest time for a start, on a machine that has much else to do.
const LONGEST_START: Duration = Duration::from_secs(240);

/// A server that is kept, and what it wrote until it was ready.
pub struct Kept {
    keeper: Child,
    name: &'static str,
    log: PathBuf,
    began: Instant,
}

impl Kept {
    /// Starts `program`; `change` adds arguments and environment.
    pub fn start(
        name: &'static str,
        program: &str,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let log = std::env::temp_dir().join(format!("curfew-{name}-{}.log", std::process::id()));
        let file = File::create(&log).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", program]);
        let keeper = change(&mut command)
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .process_group(0)
            .spawn()
            .expect("sh starts");
        Self {
            keeper,
            name,
            log,
            began: Instant::now(),
        }
    }

    /// What it has written so far.
    pub fn written(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until `ready` says so. What it wrote is thrown away then; its words are those of a panic before.
    pub async fn ready(&mut self, ready: impl AsyncFn(&Self) -> bool) {
        while !ready(self).await {
            let lives = matches!(self.keeper.try_wait(), Ok(None));
            if !lives || self.began.elapsed() > LONGEST_START {
                drop(self.keeper.stdin.take().map(|mut word| word.write_all(b"stop\n")));
                panic!("{} did not start:\n{}", self.name, self.written());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        drop(std::fs::remove_file(&self.log));
    }
}

/// A free port of the loopback.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A client that keeps no connection, so that tests with runtimes of their own may share a server, and that follows
/// nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "a browser is not the portal: it goes where the test says"
)]
pub fn client() -> reqwest::Client {
    server::http::install_tls();
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Fields of a form, encoded.
pub fn form(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}
