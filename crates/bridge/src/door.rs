//! The socket by which the driver comes in: in a folder of its own that only this user may enter, for one guest.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;

use mysql_async::Error;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

/// Open until somebody came, or dropped; the folder goes with it.
pub(crate) struct Door {
    listener: UnixListener,
    path: String,
    _folder: TempDir,
}

impl Door {
    /// In the folder for temporary files.
    pub(crate) fn open() -> Result<Self, Error> {
        Self::try_open().map_err(|error| {
            // No I/O error: the server would seem to be lost.
            let folder = std::env::temp_dir();
            let text = format!(
                "sha256_password needs a socket in {} while it logs in: {error}; set TMPDIR to a folder that may be \
                 written, with a short path",
                folder.display()
            );
            Error::Other(text.into())
        })
    }

    fn try_open() -> io::Result<Self> {
        let prefix = format!("orchestrator-{}-", std::process::id());
        let folder =
            tempfile::Builder::new().prefix(&prefix).permissions(Permissions::from_mode(0o700)).tempdir()?;
        let path = folder.path().join("bridge");
        let listener = UnixListener::bind(&path)?;
        let path = path.into_os_string().into_string();
        let path = path.map_err(|path| io::Error::other(format!("{path:?} is no UTF-8")))?;
        Ok(Self { listener, path, _folder: folder })
    }

    /// Where the driver connects to.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The driver, once it has come. The door is closed behind it.
    pub(crate) async fn accept(self) -> Result<UnixStream, Error> {
        Ok(self.listener.accept().await?.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn the_folder_is_private_and_goes_with_the_first_guest() {
        let door = Door::open().unwrap();
        let path = door.path().to_owned();
        let folder = Path::new(&path).parent().unwrap();
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        let (guest, driver) = tokio::join!(UnixStream::connect(&path), door.accept());
        guest.unwrap();
        driver.unwrap();
        assert!(!folder.exists());
        UnixStream::connect(&path).await.expect_err("the door is closed");
    }
}
