//! The zip: files at its root, the manifest first.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::roster::Mode;
use super::table::Table;
use super::{Faults, RosterFault};

/// What all files of a roster may hold together, unpacked: our own bound, so that a crafted zip harms
/// nobody.
const UNPACKED_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// An opened roster.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left_bytes: u64,
    modes: BTreeMap<String, Mode>,
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive")
            .field("modes", &self.modes)
            .finish_non_exhaustive()
    }
}

impl<'a> Archive<'a> {
    /// Opens the zip and reads its manifest.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Vec<RosterFault>> {
        let mut faults = Faults::default();
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| {
            vec![RosterFault {
                file: String::new(),
                line: 0,
                column: String::new(),
                rule: "roster-zip",
                detail: "the body is not a zip archive",
            }]
        })?;
        let mut archive = Self {
            zip,
            left_bytes: UNPACKED_MAX_BYTES,
            modes: BTreeMap::new(),
        };
        archive.read_manifest(&mut faults);
        faults.into_result(archive)
    }

    /// What the manifest says of a file (`users`): absent where it says nothing.
    #[must_use]
    pub fn mode(&self, name: &str) -> Mode {
        self.modes.get(name).copied().unwrap_or(Mode::Absent)
    }

    /// A file that the manifest announces; none when it does not, or after a fault.
    pub fn table(&mut self, file: &str, columns: &[&str], faults: &mut Faults) -> Option<Table> {
        if self.mode(file.strip_suffix(".csv")?) == Mode::Absent {
            return None;
        }
        let bytes = self.read(file, faults)?;
        Table::read(file, &bytes, columns, faults)
    }

    fn read_manifest(&mut self, faults: &mut Faults) {
        const FILE: &str = "manifest.csv";
        let Some(bytes) = self.read(FILE, faults) else {
            return;
        };
        let Some(table) = Table::read(FILE, &bytes, &["propertyName", "value"], faults) else {
            return;
        };
        let mut versions = [
            ("manifest.version", "1.0", false),
            ("oneroster.version", "1.2", false),
        ];
        for row in table.rows() {
            let (name, value) = (row.text("propertyName"), row.text("value"));
            if let Some(version) = versions.iter_mut().find(|(known, ..)| *known == name) {
                version.2 = true;
                if version.1 != value {
                    faults.tell(
                        FILE,
                        row.line(),
                        "value",
                        "manifest-version",
                        "Sillage reads oneroster.version 1.2 with manifest.version 1.0",
                    );
                }
            } else if let Some(file) = name.strip_prefix("file.") {
                match Mode::parse(value) {
                    Some(mode) => {
                        self.modes.insert(file.to_owned(), mode);
                    }
                    None => faults.tell(
                        FILE,
                        row.line(),
                        "value",
                        "manifest-mode",
                        "a file is absent, bulk or delta",
                    ),
                }
            }
        }
        if versions.iter().any(|(.., told)| !told) {
            faults.tell(
                FILE,
                0,
                "",
                "manifest-version-missing",
                "the manifest tells manifest.version and oneroster.version",
            );
        }
    }

    fn read(&mut self, file: &str, faults: &mut Faults) -> Option<Vec<u8>> {
        let left = self.left_bytes;
        let entry = match self.zip.by_name(file) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => {
                faults.tell(
                    file,
                    0,
                    "",
                    "roster-file-missing",
                    "the zip lacks this file at its root",
                );
                return None;
            }
            Err(_) => {
                faults.tell(
                    file,
                    0,
                    "",
                    "roster-file-unreadable",
                    "the zip holds this file in a form that cannot be unpacked",
                );
                return None;
            }
        };
        let mut bytes = Vec::new();
        // One byte more than is left, to see that there is more.
        if entry.take(left + 1).read_to_end(&mut bytes).is_err() {
            faults.tell(
                file,
                0,
                "",
                "roster-file-unreadable",
                "the file is damaged in the zip",
            );
            return None;
        }
        let length = bytes.len() as u64;
        if length > left {
            faults.tell(
                file,
                0,
                "",
                "roster-too-large",
                "the files of a roster hold at most 256 MiB together",
            );
            return None;
        }
        self.left_bytes -= length;
        Some(bytes)
    }
}
