//! What a server is made of.

use std::path::{Path, PathBuf};

use super::cluster::Node;
use super::parts;

/// The Tomcats of the farm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 8.5.100: what uPortal's start kit brings. Matrix only.
    V8,
    /// 9.0.117: Java EE names, as most real servers still are.
    V9,
    /// 10.1.59: Jakarta names.
    V10,
    /// 11.0.24. Matrix only.
    V11,
}

impl Version {
    /// Where it was unpacked.
    pub fn home(self) -> PathBuf {
        let name = match self {
            Version::V8 => "apache-tomcat-8.5.100",
            Version::V9 => "apache-tomcat-9.0.117",
            Version::V10 => "apache-tomcat-10.1.59",
            Version::V11 => "apache-tomcat-11.0.24",
        };
        parts().join(name)
    }

    /// Those that tests run on: two, or all four in the matrix.
    pub fn chosen() -> &'static [Version] {
        match std::env::var("CURFEW_TEST_TOMCATS_MATRIX").as_deref() {
            Ok("1") => &[Version::V8, Version::V9, Version::V10, Version::V11],
            _ => &[Version::V9, Version::V10],
        }
    }

    /// Whether its web apps speak Jakarta names.
    pub fn is_jakarta(self) -> bool {
        matches!(self, Version::V10 | Version::V11)
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
    /// As a web app: 1.7.2 up to Tomcat 9, 2.0.0 from 10 on (matrix only).
    War,
    /// 2.6.0 as an agent of the JVM, on a port of its own.
    Agent,
}

/// Web apps let in these people; each one's password is the name and `-Secret`.
pub const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "o'brien"];

/// How people get into a web app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The app does it itself: whoever asks for `open.jsp?user=alice` is alice.
    Own,
    /// Tomcat does it, with a sign-in page.
    Form,
    /// Tomcat does it, and the browser sends the password with every request.
    Basic,
}

/// A web app at its address. All are the pages in `server/tests/tomcat/app`; they differ in what is set here.
#[derive(Clone, Debug)]
pub struct App {
    pub path: String,
    /// Parallel deployment: `2` for `/x##2`; empty = none.
    version: &'static str,
    pub sign_in: SignIn,
    /// The folder of the cache with the libraries in it; `None` = no library.
    libraries: Option<&'static str>,
    keeps: Keeps,
    /// Its cookie is for the whole server, as that of every app which is set so.
    one_cookie: bool,
}

/// Where an app keeps its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    /// In memory: StandardManager.
    Memory,
    /// Swapped out to files two seconds after their last use: PersistentManager.
    Files,
    /// On every node of a cluster: DeltaManager.
    Cluster,
    /// On two nodes of a cluster: BackupManager.
    Backup,
}

impl App {
    /// An app with a sign-in of its own.
    pub fn plain(path: &str) -> App {
        App {
            path: path.to_owned(),
            version: "",
            sign_in: SignIn::Own,
            libraries: None,
            keeps: Keeps::Memory,
            one_cookie: false,
        }
    }

    /// Tomcat's sign-in page; idle limit 20 minutes instead of Tomcat's 30. For [`PEOPLE`] only.
    pub fn form(path: &str) -> App {
        App {
            sign_in: SignIn::Form,
            ..App::plain(path)
        }
    }

    /// The browser's own password window. For [`PEOPLE`] only.
    pub fn basic(path: &str) -> App {
        App {
            sign_in: SignIn::Basic,
            ..App::plain(path)
        }
    }

    /// PersistentManager with a FileStore.
    pub fn stored(path: &str) -> App {
        App {
            keeps: Keeps::Files,
            ..App::plain(path)
        }
    }

    /// Every node of the cluster has every session.
    pub fn replicated(path: &str) -> App {
        App {
            keeps: Keeps::Cluster,
            ..App::plain(path)
        }
    }

    /// One other node of the cluster has a copy of each session.
    pub fn backed_up(path: &str) -> App {
        App {
            keeps: Keeps::Backup,
            ..App::plain(path)
        }
    }

    /// The classes of uPortal 5.17 with Spring Security 4.2, for `uportal.jsp` and `spring.jsp`; Tomcat 9 and before.
    pub fn uportal(path: &str) -> App {
        App {
            libraries: Some("uportal"),
            ..App::plain(path)
        }
    }

    /// Spring Security 5.8, CAS client 3.6 and Shiro 1.13, for `spring.jsp`, `cas.jsp`, `shiro.jsp`; Tomcat 9 and before.
    pub fn libraries_of_9(path: &str) -> App {
        App {
            libraries: Some("javax"),
            ..App::plain(path)
        }
    }

    /// Spring Security 6.5 (`oidc.jsp` too), CAS client 4.0 and Shiro 2.0; Tomcat 10 and after.
    pub fn libraries_of_10(path: &str) -> App {
        App {
            libraries: Some("jakarta"),
            ..App::plain(path)
        }
    }

    /// The same app as one version of several.
    pub fn version(mut self, version: &'static str) -> App {
        self.version = version;
        self
    }

    /// A browser brings it the session id of every other app that is set so, and it takes that id for its own.
    pub fn one_cookie(mut self) -> App {
        self.one_cookie = true;
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

    /// As the Manager's text commands name it.
    pub fn query(&self) -> String {
        let version = match self.version {
            "" => String::new(),
            version => format!("&version={version}"),
        };
        format!("path={}{version}", self.path)
    }

    /// Its context, which names a folder of the clone, so nothing is copied.
    pub fn context(&self) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tomcat/app");
        let clustered = matches!(self.keeps, Keeps::Cluster | Keeps::Backup);
        let descriptor = match self.sign_in {
            SignIn::Own if clustered => "distributable",
            SignIn::Own => "plain",
            SignIn::Form => "form",
            SignIn::Basic => "basic",
        };
        let libraries = self.libraries.map_or_else(String::new, |libraries| {
            mounted(&parts().join(libraries), "/WEB-INF/lib")
        });
        let (delay, manager) = match self.keeps {
            Keeps::Memory | Keeps::Cluster => ("", ""),
            Keeps::Files => (
                " backgroundProcessorDelay=\"1\"",
                "<Manager className=\"org.apache.catalina.session.PersistentManager\" processExpiresFrequency=\"1\" \
                 minIdleSwap=\"0\" maxIdleSwap=\"2\"><Store className=\"org.apache.catalina.session.FileStore\"/>\
                 </Manager>",
            ),
            Keeps::Backup => (
                "",
                "<Manager className=\"org.apache.catalina.ha.session.BackupManager\"/>",
            ),
        };
        let cookie = match self.one_cookie {
            true => " sessionCookiePath=\"/\"",
            false => "",
        };
        format!(
            "<Context docBase=\"{folder}\" altDDName=\"{folder}/WEB-INF/{descriptor}.xml\"{delay}{cookie}>\n\
             <JarScanner><JarScanFilter defaultTldScan=\"false\" defaultPluggabilityScan=\"false\"/></JarScanner>\n\
             {libraries}{manager}</Context>\n"
        )
    }
}

/// A folder that a web app sees as its own.
pub fn mounted(folder: &Path, at: &str) -> String {
    format!(
        "<Resources><PreResources className=\"org.apache.catalina.webresources.DirResourceSet\" base=\"{}\" \
         webAppMount=\"{at}\"/></Resources>\n",
        folder.display()
    )
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    pub version: Version,
    pub jolokia: Jolokia,
    /// Text of `jolokia-access.xml`; `None` = Jolokia may do anything.
    pub policy: Option<String>,
    pub apps: Vec<App>,
    /// What it is in a cluster; see [`super::cluster`].
    pub node: Option<Node>,
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
            node: None,
            java: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    /// Which Jolokia.
    pub fn jolokia(mut self, jolokia: Jolokia) -> Options {
        self.jolokia = jolokia;
        self
    }

    /// What Jolokia allows.
    pub fn policy(mut self, text: &str) -> Options {
        self.policy = Some(text.to_owned());
        self
    }

    /// One more web app.
    pub fn app(mut self, app: App) -> Options {
        self.apps.push(app);
        self
    }
}
