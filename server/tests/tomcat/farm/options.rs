//! What a server is made of.

use std::path::PathBuf;

use super::parts;

/// The Tomcats of the farm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 9.0.117: Java EE names, as most real servers still are.
    V9,
    /// 10.1.59: Jakarta names.
    V10,
}

impl Version {
    /// Where it was unpacked.
    pub fn home(self) -> PathBuf {
        let name = match self {
            Version::V9 => "apache-tomcat-9.0.117",
            Version::V10 => "apache-tomcat-10.1.59",
        };
        parts().join(name)
    }
}

/// Whom the bridges let in; each has one user, named after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `manager-jmx`: the JMX proxy.
    Jmx,
    /// `manager-gui`: the Manager's pages.
    Gui,
    /// `manager-script`: the Manager's text commands.
    Script,
    /// `jolokia`
    Jolokia,
    /// Someone who may use no bridge at all.
    Nobody,
}

impl Role {
    /// Name and password.
    pub fn user(self) -> (&'static str, &'static str) {
        match self {
            Role::Jmx => ("jmx", "Jmx-Secret-1"),
            Role::Gui => ("gui", "Gui-Secret-2"),
            Role::Script => ("script", "Script-Secret-3"),
            Role::Jolokia => ("jolokia", "Jolokia-Secret-4"),
            Role::Nobody => ("nobody", "Nobody-Secret-5"),
        }
    }

    /// As Tomcat names it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Jmx => "manager-jmx",
            Role::Gui => "manager-gui",
            Role::Script => "manager-script",
            Role::Jolokia => "jolokia",
            Role::Nobody => "none",
        }
    }

    pub const ALL: [Role; 5] = [Role::Jmx, Role::Gui, Role::Script, Role::Jolokia, Role::Nobody];
}

/// Which Jolokia runs beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jolokia {
    None,
    /// 1.7.2 as a web app.
    War,
    /// 2.6.0 as an agent of the JVM, on a port of its own.
    Agent,
}

/// A web app at its address.
#[derive(Clone, Debug)]
pub struct App {
    pub path: &'static str,
    /// Parallel deployment: `2` for `/x##2`; empty = none.
    pub version: &'static str,
    /// In `server/tests/tomcat/apps`.
    folder: &'static str,
}

impl App {
    /// An app with a sign-in of its own: whoever asks for `open.jsp?user=alice` is alice.
    pub fn plain(path: &'static str) -> App {
        App {
            path,
            version: "",
            folder: "x",
        }
    }

    /// The same app as one version of several.
    pub fn version(mut self, version: &'static str) -> App {
        self.version = version;
        self
    }

    /// The name of its file in `conf/Catalina/localhost`.
    pub fn file_name(&self) -> String {
        let hashes = if self.version.is_empty() { "" } else { "##" };
        format!(
            "{}{hashes}{}.xml",
            self.path.trim_start_matches('/'),
            self.version
        )
    }

    /// Its context, which names a folder of the clone, so nothing is copied.
    pub fn context(&self) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tomcat/apps");
        format!(
            r#"<Context docBase="{folder}/{}">
  <JarScanner><JarScanFilter defaultTldScan="false" defaultPluggabilityScan="false"/></JarScanner>
</Context>
"#,
            self.folder
        )
    }
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    pub version: Version,
    pub jolokia: Jolokia,
    /// Text of `jolokia-access.xml`; `None` = Jolokia may do anything.
    pub policy: Option<String>,
    pub apps: Vec<App>,
    /// Arguments of Java. Those of [`Options::new`] start quickly; to measure, set `-Xmx512m` alone.
    pub java: Vec<String>,
}

impl Options {
    /// The Manager app and the plain app at `/x`.
    pub fn new(version: Version) -> Options {
        Options {
            version,
            jolokia: Jolokia::None,
            policy: None,
            apps: vec![App::plain("/x")],
            java: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    pub fn jolokia(mut self, jolokia: Jolokia) -> Options {
        self.jolokia = jolokia;
        self
    }

    /// What Jolokia allows.
    pub fn policy(mut self, text: &str) -> Options {
        self.policy = Some(text.to_owned());
        self
    }

    pub fn app(mut self, app: App) -> Options {
        self.apps.push(app);
        self
    }
}
