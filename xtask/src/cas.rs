//! A real CAS for `server/tests/cas`, kept in the cache: fetched by Maven, checked and unpacked once.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Result;

use crate::maven::{Artifact, unpack};
use crate::places::Places;
use crate::say;

const WAR: Artifact = Artifact {
    group: "org.apereo.cas",
    name: "cas-server-webapp-tomcat",
    version: "6.6.12",
    kind: "war",
    sha512: "9d3d924815959f38f50db0956b3c2331062b55a817225b016c596bad7a72107d98e48e529c378ed76eef7af8002fe2264942e8340aaa3428b08eae7566e24804",
};
/// The endpoint `ssoSessions`, which is not in the war: of the newest version that can be had.
const REPORTS: [Artifact; 2] = [
    Artifact {
        group: "org.apereo.cas",
        name: "cas-server-support-reports",
        version: "6.6.8",
        kind: "jar",
        sha512: "3264036031b76b938d0bc4a874af750ccb1a2af46d8030c7ffe1143d4fe3c60e7a3910ec5b7238c557bfda2971e74f677d11ee443a33eab3b08a6de20e8e76bf",
    },
    Artifact {
        group: "org.apereo.cas",
        name: "cas-server-support-reports-core",
        version: "6.6.8",
        kind: "jar",
        sha512: "e4beaa1dd50e10744ddfa13b3d7af75acc7c23f250d5c3912b6bc5646fba9cc88c24f9807e1900aa4edd2c65fd6d8feb3f355630ff6230783de3a222057082e0",
    },
];

/// Fetches and unpacks what is missing; gives the folder: the war as it is, and `extra` beside it.
///
/// May be asked for by two threads at once: the second waits for the first.
pub fn fetch(places: &Places) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    // Tests run in another folder.
    let folder = std::path::absolute(places.cache.join("cas"))?;
    let home = folder.join(format!("cas-{}", WAR.version));
    let stamp = folder.join("installed-from");
    let sums: Vec<&str> = REPORTS.iter().chain([&WAR]).map(|part| part.sha512).collect();
    let from = format!("{} {}", WAR.version, sums.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|known| known == from) && home.join("WEB-INF/lib").exists() {
        return Ok(home);
    }
    say::step("Fetching a real CAS for the tests", || {
        fs::create_dir_all(&folder)?;
        let archive = WAR.fetch(&folder)?;
        drop(fs::remove_dir_all(&home));
        unpack(&archive, &home)?;
        let extra = home.join("extra");
        fs::create_dir_all(&extra)?;
        for part in REPORTS {
            part.fetch(&extra)?;
        }
        Ok(fs::write(&stamp, &from)?)
    })?;
    Ok(home)
}
