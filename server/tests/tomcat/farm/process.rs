//! The Java process of a server, which never outlives the tests.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::options::{Jolokia, Options, Role};
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
    pub fn start(options: &Options, base: &Path, agent_port: u16) -> Process {
        let home = options.version.home();
        let log = File::create(base.join("logs/out.log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "tomcat"]).arg(base);
        command.arg("java").args(&options.java).args([
            "-Djava.awt.headless=true",
            "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
            // What bin/catalina.sh opens.
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.rmi/sun.rmi.transport=ALL-UNNAMED",
        ]);
        let config = base.join("conf/logging.properties");
        command.arg(format!("-Djava.util.logging.config.file={}", config.display()));
        command.arg(format!("-Djava.io.tmpdir={}", base.join("temp").display()));
        command.arg(format!("-Dcatalina.home={}", home.display()));
        command.arg(format!("-Dcatalina.base={}", base.display()));
        if options.jolokia == Jolokia::Agent {
            let (user, password) = Role::Jolokia.user();
            let jar = parts().join("jolokia/jolokia-agent-jvm-2.6.0-javaagent.jar");
            let mut agent = format!(
                "-javaagent:{}=host=127.0.0.1,port={agent_port},user={user},password={password}",
                jar.display()
            );
            if options.policy.is_some() {
                let policy = base.join("policy/jolokia-access.xml");
                agent.push_str(&format!(",policyLocation=file://{}", policy.display()));
            }
            command.arg(agent);
        }
        let classes = ["bin/bootstrap.jar", "bin/tomcat-juli.jar"].map(|jar| home.join(jar));
        command
            .arg("-classpath")
            .arg(std::env::join_paths(classes).unwrap())
            .args(["org.apache.catalina.startup.Bootstrap", "start"])
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
