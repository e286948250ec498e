//! Programs we start: each in a process group of its own, so that none outlives us.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::say::took;

/// Process groups that are running now.
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// Folders to remove when we stop, whatever stops us.
static FOLDERS: Mutex<Vec<std::path::PathBuf>> = Mutex::new(Vec::new());

/// How often a quiet step says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A program with its arguments, started by one of the functions below.
pub struct Program {
    command: Command,
    name: String,
}

pub fn program(name: impl AsRef<OsStr>) -> Program {
    let name = name.as_ref();
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).process_group(0);
    Program {
        command,
        name: name.to_string_lossy().into_owned(),
    }
}

/// Cargo, free of settings that would make two builds of the same thing differ.
pub fn cargo(root: &Path) -> Program {
    let mut cargo = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).dir(root);
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "LEPTOS_OUTPUT_NAME",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.command.env_remove(name);
    }
    cargo
}

impl Program {
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Program {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    pub fn dir(mut self, dir: &Path) -> Program {
        self.command.current_dir(dir);
        self
    }

    /// Runs to the end with its output folded away; a failure shows all of it.
    ///
    /// Gives what it wrote to standard output.
    pub fn quiet(mut self) -> Result<String> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running::start(&mut self.command, &self.name)?;
        let errors = collect(child.stderr());
        let out = collect(child.stdout());
        let success = child.wait()?;
        let (out, errors) = (joined(out), joined(errors));
        if !success {
            bail!("{} failed:\n{out}{errors}", self.name);
        }
        Ok(out)
    }

    /// Whether it ends well; its output is folded away.
    pub fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        Running::start(&mut self.command, &self.name)
            .and_then(Running::wait)
            .unwrap_or(false)
    }

    /// Runs to the end and shows how far it is; `line` sees each line of standard output before it is printed.
    ///
    /// On a terminal cargo draws its own bar. Elsewhere its `Compiling …` lines become one count every twenty seconds,
    /// and everything else it says passes through.
    pub fn shown(mut self, mut line: impl FnMut(&str)) -> Result<bool> {
        self.command.stdout(Stdio::piped());
        let bar = std::io::stderr().is_terminal();
        if !bar {
            self.command.stderr(Stdio::piped());
        }
        let mut child = Running::start(&mut self.command, &self.name)?;
        let errors = (!bar).then(|| {
            let stderr = child.stderr();
            thread::spawn(move || fold(stderr))
        });
        for text in BufReader::new(child.stdout()).lines() {
            let text = text.unwrap_or_default();
            line(&text);
            println!("{text}");
        }
        let success = child.wait()?;
        if let Some(errors) = errors {
            drop(errors.join());
        }
        Ok(success)
    }

    /// As [`Program::shown`]; a failure is an error.
    pub fn must(self) -> Result<()> {
        let name = self.name.clone();
        if self.shown(|_| ())? {
            Ok(())
        } else {
            bail!("{name} failed, see above")
        }
    }

    /// Starts and goes on in the background; the output goes to `log`.
    pub fn background(mut self, log: &Path) -> Result<Running> {
        let file = std::fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        self.command.stdout(file.try_clone()?).stderr(file);
        Running::start(&mut self.command, &self.name)
    }

    /// Becomes the program: same process, so signals and the terminal are its own. Returns only if it can't start.
    pub fn become_it(self) -> anyhow::Error {
        let mut plain = Command::new(self.command.get_program());
        plain.args(self.command.get_args());
        if let Some(dir) = self.command.get_current_dir() {
            plain.current_dir(dir);
        }
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => plain.env(name, value),
                None => plain.env_remove(name),
            };
        }
        anyhow::Error::new(plain.exec()).context(format!("cannot start {}", self.name))
    }
}

/// A program at work; ended with its whole group when this is dropped.
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    fn start(command: &mut Command, name: &str) -> Result<Running> {
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        GROUPS.lock().expect("no panic while held").push(child.id());
        Ok(Running {
            child,
            name: name.to_owned(),
        })
    }

    fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("piped")
    }

    fn stderr(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("piped")
    }

    fn wait(mut self) -> Result<bool> {
        let status = self
            .child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.name))?;
        Ok(status.success())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = self.child.id();
        if self.lives() {
            signal_group(Signal::SIGINT, group);
            let patience = Instant::now() + Duration::from_secs(10);
            while self.lives() && Instant::now() < patience {
                thread::sleep(Duration::from_millis(50));
            }
        }
        // Grandchildren that stayed behind.
        signal_group(Signal::SIGKILL, group);
        drop(self.child.wait());
        GROUPS
            .lock()
            .expect("no panic while held")
            .retain(|other| *other != group);
    }
}

/// Removes `folder` when the whole run ends, also when it is interrupted.
pub fn remove_at_end(folder: &Path) {
    FOLDERS
        .lock()
        .expect("no panic while held")
        .push(folder.to_path_buf());
}

/// Ends every program that is still running and removes what was left for the end.
pub fn stop_all() {
    let groups = std::mem::take(&mut *GROUPS.lock().expect("no panic while held"));
    for group in &groups {
        signal_group(Signal::SIGINT, *group);
    }
    if !groups.is_empty() {
        thread::sleep(Duration::from_secs(1));
    }
    for group in groups {
        signal_group(Signal::SIGKILL, group);
    }
    for folder in std::mem::take(&mut *FOLDERS.lock().expect("no panic while held")) {
        drop(std::fs::remove_dir_all(folder));
    }
}

/// Interrupt, hang-up and termination end everything we started, then us.
pub fn stop_all_on_signal() {
    ctrlc::set_handler(|| {
        stop_all();
        std::process::exit(130);
    })
    .expect("one handler per process");
}

fn signal_group(signal: Signal, group: u32) {
    // A group that is gone already is what we want.
    let _ = killpg(Pid::from_raw(group.cast_signed()), signal);
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn joined(thread: thread::JoinHandle<String>) -> String {
    thread.join().unwrap_or_default()
}

/// Counts cargo's lines of progress, says every while how far it is, and passes the rest on.
fn fold(from: impl Read + Send + 'static) {
    let (send, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            drop(send.send(line));
        }
    });
    let (start, mut said, mut crates) = (Instant::now(), Instant::now(), 0_u32);
    loop {
        match lines.recv_timeout(HEARTBEAT.saturating_sub(said.elapsed())) {
            Ok(line) => match line.split_whitespace().next().unwrap_or_default() {
                "Compiling" | "Checking" => crates += 1,
                "Fresh" | "Finished" | "Updating" | "Locking" | "Adding" | "Downloading" | "Downloaded"
                | "Running" => {}
                _ => eprintln!("{line}"),
            },
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if said.elapsed() >= HEARTBEAT {
            said = Instant::now();
            match crates {
                0 => println!("  … at it, {}", took(start.elapsed())),
                _ => println!("  … {crates} crates so far, {}", took(start.elapsed())),
            }
        }
    }
    drop(reader.join());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first full run in CI passed every test and then waited for a PostgreSQL that nobody had stopped.
    #[test]
    fn dropping_a_program_ends_its_children_too() {
        let log = std::env::temp_dir().join(format!("curfew-child-{}", std::process::id()));
        let running = program("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .background(&log)
            .expect("sh starts");
        let child = loop {
            if let Ok(pid) = std::fs::read_to_string(&log)
                .unwrap_or_default()
                .trim()
                .parse::<u32>()
            {
                break pid;
            }
            thread::sleep(Duration::from_millis(10));
        };
        let lives = || program("kill").args(["-0", &child.to_string()]).succeeds();
        assert!(lives(), "the child was started");
        drop(running);
        let patience = Instant::now() + Duration::from_secs(10);
        while lives() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(!lives(), "the child has ended");
        drop(std::fs::remove_file(log));
    }
}
