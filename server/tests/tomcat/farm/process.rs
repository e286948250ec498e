//! The Java process of a server, which never outlives the tests.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::options::Role;
use super::parts;

/// Runs `$2…` until standard input ends or says a word. Ended without a word = the tests are gone: `$1` goes too.
const KEEPER: &str = r#"
base=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
    read -r word <&3 || touch "$base/abandoned"
    kill "$server"
    tries=0
    while kill -0 "$server" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -9 "$server"
) 2>/dev/null &
watch=$!
wait "$server"
kill "$watch" 2>/dev/null
[ ! -e "$base/abandoned" ] || rm -rf -- "$base"
"#;

/// A running server; ended when dropped, by force after ten seconds.
pub struct Process {
    keeper: Child,
}

impl Process {
    /// Runs Java with these arguments; what it writes is added to `logs/out.log` in `base`.
    pub fn start(base: &Path, arguments: &[OsString]) -> Process {
        let log = base.join("logs/out.log");
        let log = File::options().append(true).create(true).open(log).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(base)
            .arg("java")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // Whoever ends the tests as a group leaves the keeper alive to clear up.
            .process_group(0);
        Process {
            keeper: command.spawn().expect("sh starts"),
        }
    }

    /// Whether it has not ended yet.
    pub fn lives(&mut self) -> bool {
        matches!(self.keeper.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut word) = self.keeper.stdin.take() {
            drop(word.write_all(b"stop\n"));
        }
        drop(self.keeper.wait());
    }
}

/// The argument that puts the Jolokia agent into a Java process; `policy` is a file.
pub fn agent(port: u16, policy: Option<&Path>) -> OsString {
    let (user, password) = Role::Jolokia.user();
    let jar = parts().join("jolokia/jolokia-agent-jvm-2.6.0-javaagent.jar");
    let policy = policy.map_or_else(String::new, |file| {
        format!(",policyLocation=file://{}", file.display())
    });
    let jar = jar.display();
    format!("-javaagent:{jar}=host=127.0.0.1,port={port},user={user},password={password}{policy}").into()
}
