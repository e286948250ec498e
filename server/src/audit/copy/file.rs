//! The copy as a file of JSON lines.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{Line, Trouble};

/// Longest time for one batch to be on the disk: a network file system may hang.
const LONGEST: Duration = Duration::from_secs(30);

/// A file that is added to.
pub struct FileTarget {
    path: PathBuf,
    /// Held while a batch is being written, even after its time ran out.
    busy: Arc<Mutex<()>>,
}

impl FileTarget {
    /// The file; it is made when the first line comes.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            busy: Arc::default(),
        }
    }

    /// Adds the lines; when this returns well they are on the disk.
    pub async fn write(&self, lines: &[Line]) -> Result<(), Trouble> {
        let text: String = lines.iter().map(|line| line.json.as_str()).collect();
        self.blocking(move |path| append(path, &text)).await
    }

    /// Whether lines could be added. An existing file is only opened, a missing one is not made: it might get another owner
    /// than the portal.
    pub async fn check(&self) -> Result<(), Trouble> {
        self.blocking(|path| {
            if path.exists() {
                return open(path, false).map(|_| ());
            }
            let trial = folder(path).join(format!(".curfew-check-{}", crate::keys::random_id()));
            std::fs::File::create_new(&trial)?;
            std::fs::remove_file(&trial)
        })
        .await
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), Trouble> {
        let Ok(busy) = self.busy.clone().try_lock_owned() else {
            return Err(Trouble(
                "The write before this one has not come back yet.".to_owned(),
            ));
        };
        let path = self.path.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _busy = busy;
            work(&path)
        });
        match tokio::time::timeout(LONGEST, work).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(cause))) => Err(Trouble(format!("{}: {cause}.", self.path.display()))),
            Ok(Err(_)) => Err(Trouble("Writing broke off.".to_owned())),
            Err(_) => Err(Trouble(format!(
                "{}: not written within {} s.",
                self.path.display(),
                LONGEST.as_secs()
            ))),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Opens by name each time, so a file that was renamed by rotation gets no more lines.
fn open(path: &Path, make: bool) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(make);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::other("not a file"))
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let made = !path.exists();
    let mut file = open(path, true)?;
    // A write that broke off left half a line: what follows must not be glued to it.
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if made {
        // The name of a new file is on the disk only when its folder is.
        std::fs::File::open(folder(path))?.sync_all()?;
    }
    Ok(())
}
