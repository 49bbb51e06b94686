//! The records of a roster: read from the files, checked against each other and against what is
//! known already.

use std::collections::HashSet;

use mastery::Voie;
use schemas::ifi::Ifi;
use schemas::xapi::formats;

use super::archive::Archive;
use super::table::{Table, TableRow};
use super::{Faults, RosterFault};
use crate::store::roster::Known;

/// What a file does to what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The file is not there: nothing changes.
    #[default]
    Absent,
    /// It replaces all.
    Bulk,
    /// It changes what it names.
    Delta,
}

impl Mode {
    /// Reads the manifest's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "absent" => Some(Self::Absent),
            "bulk" => Some(Self::Bulk),
            "delta" => Some(Self::Delta),
            _ => None,
        }
    }
}

/// The records of one file.
#[derive(Clone, Debug)]
pub struct Records<T> {
    /// What the file does to what is known.
    pub mode: Mode,
    /// Records to be written.
    pub written: Vec<T>,
    /// Ids of records that a delta takes away.
    pub deleted: Vec<String>,
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self {
            mode: Mode::Absent,
            written: Vec::new(),
            deleted: Vec::new(),
        }
    }
}

/// A school, or what it belongs to (`orgs.csv`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    line: u64,
    /// Id in the roster.
    pub sourced_id: String,
    /// Its name.
    pub name: String,
    /// `school`, `district`...
    pub kind: String,
    /// The code that others know it by: the UAI of a French school.
    pub identifier: Option<String>,
    /// Id of what it belongs to.
    pub parent: Option<String>,
}

/// A pupil, a teacher... (`users.csv`).
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub(super) line: u64,
    /// Id in the roster.
    pub sourced_id: String,
    /// What is shown: preferred or given name, then preferred or family name.
    pub label: String,
    /// Whether the user may be active at all.
    pub enabled: bool,
    /// The xAPI accounts, in the order of `userIds`.
    pub accounts: Vec<Ifi>,
    /// A pupil's *voie*, where the roster tells it.
    pub voie: Option<Voie>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}

/// A class (`classes.csv`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    line: u64,
    /// Id in the roster.
    pub sourced_id: String,
    /// What it is called.
    pub title: String,
    /// Its code.
    pub code: Option<String>,
    /// Id of its school.
    pub school: String,
    /// Subjects that are taught in it.
    pub subjects: Vec<String>,
}

/// Who is in a class, as what (`enrollments.csv`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    line: u64,
    /// Id in the roster.
    pub sourced_id: String,
    /// Id of the class.
    pub class: String,
    /// Id of the user.
    pub user: String,
    /// `student`, `teacher`, `proctor` or `administrator`.
    pub role: String,
}

/// A roster, read.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// `orgs.csv`.
    pub orgs: Records<Org>,
    /// `users.csv`.
    pub users: Records<User>,
    /// `classes.csv`.
    pub classes: Records<Class>,
    /// `enrollments.csv`.
    pub enrolments: Records<Enrolment>,
}

const ORGS: &str = "orgs.csv";
const USERS: &str = "users.csv";
const CLASSES: &str = "classes.csv";
const ENROLLMENTS: &str = "enrollments.csv";

/// Our own column of `users.csv`, named as the specification has extensions named. It may be missing.
const VOIE: &str = "metadata.sillage.voie";

/// Roles of an enrolment (the specification's enumeration).
const ROLES: [&str; 4] = ["administrator", "proctor", "student", "teacher"];

/// Length of an id: our own bound, below what a B-tree can hold.
const ID_MAX_CHARS: usize = 255;

impl Roster {
    /// Reads the zip, whole or not at all: every fault of its files, up to fifty.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<RosterFault>> {
        let mut archive = Archive::open(bytes)?;
        let mut faults = Faults::default();
        let roster = Self {
            orgs: read(&mut archive, ORGS, &["name", "type"], org, &mut faults),
            users: read(
                &mut archive,
                USERS,
                &["enabledUser", "userIds", "givenName", "familyName"],
                user,
                &mut faults,
            ),
            classes: read(
                &mut archive,
                CLASSES,
                &["title", "schoolSourcedId"],
                class,
                &mut faults,
            ),
            enrolments: read(
                &mut archive,
                ENROLLMENTS,
                &["classSourcedId", "userSourcedId", "role"],
                enrolment,
                &mut faults,
            ),
        };
        faults.into_result(roster)
    }

    /// Whether all that the records refer to is there, in the roster or, for what a file leaves as
    /// it is, known already.
    pub fn check_references(&self, known: &Known) -> Result<(), Vec<RosterFault>> {
        let mut faults = Faults::default();
        let orgs = there(&self.orgs, |org| &org.sourced_id, &known.orgs);
        let users = there(&self.users, |user| &user.sourced_id, &known.users);
        let classes = there(&self.classes, |class| &class.sourced_id, &known.classes);
        for org in &self.orgs.written {
            if org
                .parent
                .as_ref()
                .is_some_and(|parent| !orgs.contains(parent.as_str()))
            {
                faults.tell(
                    ORGS,
                    org.line,
                    "parentSourcedId",
                    "reference",
                    "no organisation has this id",
                );
            }
        }
        for class in &self.classes.written {
            if !orgs.contains(class.school.as_str()) {
                faults.tell(
                    CLASSES,
                    class.line,
                    "schoolSourcedId",
                    "reference",
                    "no organisation has this id",
                );
            }
        }
        for enrolment in &self.enrolments.written {
            if !classes.contains(enrolment.class.as_str()) {
                faults.tell(
                    ENROLLMENTS,
                    enrolment.line,
                    "classSourcedId",
                    "reference",
                    "no class has this id",
                );
            }
            if !users.contains(enrolment.user.as_str()) {
                faults.tell(
                    ENROLLMENTS,
                    enrolment.line,
                    "userSourcedId",
                    "reference",
                    "no user has this id",
                );
            }
        }
        faults.into_result(())
    }
}

/// The ids that are there once the file has done its work.
fn there<'a, T>(
    records: &'a Records<T>,
    id: impl Fn(&'a T) -> &'a String,
    known: &'a HashSet<String>,
) -> HashSet<&'a str> {
    let mut ids: HashSet<&str> = match records.mode {
        Mode::Bulk => HashSet::new(),
        Mode::Absent | Mode::Delta => known.iter().map(String::as_str).collect(),
    };
    for deleted in &records.deleted {
        ids.remove(deleted.as_str());
    }
    ids.extend(records.written.iter().map(|record| id(record).as_str()));
    ids
}

/// Reads the records of one file: the columns that all files share here, the others in `record`.
fn read<T>(
    archive: &mut Archive<'_>,
    file: &str,
    columns: &[&str],
    record: impl Fn(&Table, TableRow<'_>, String, &mut Faults) -> T,
    faults: &mut Faults,
) -> Records<T> {
    let mode = archive.mode(file.trim_end_matches(".csv"));
    let columns: Vec<&str> = ["sourcedId"].iter().chain(columns).copied().collect();
    let Some(table) = archive.table(file, &columns, faults) else {
        return Records::default();
    };
    let mut records = Records {
        mode,
        ..Records::default()
    };
    let mut ids = HashSet::new();
    for row in table.rows() {
        let id = row.required("sourcedId", faults).to_owned();
        if id.chars().count() > ID_MAX_CHARS {
            faults.tell(
                file,
                row.line(),
                "sourcedId",
                "id-length",
                "Sillage takes ids of at most 255 characters",
            );
        }
        if !ids.insert(id.clone()) {
            faults.tell(
                file,
                row.line(),
                "sourcedId",
                "id-repeated",
                "the id names another line of the file already",
            );
        }
        match (mode, row.text("status")) {
            (Mode::Delta, "tobedeleted") => records.deleted.push(id),
            (Mode::Delta, "active") | (Mode::Bulk | Mode::Absent, "" | "active") => {
                records.written.push(record(&table, row, id, faults));
            }
            (Mode::Delta, _) => faults.tell(
                file,
                row.line(),
                "status",
                "status-delta",
                "in a delta the status is active or tobedeleted",
            ),
            (Mode::Bulk | Mode::Absent, _) => faults.tell(
                file,
                row.line(),
                "status",
                "status-bulk",
                "in a bulk file the status is blank",
            ),
        }
    }
    records
}

fn org(_: &Table, row: TableRow<'_>, sourced_id: String, faults: &mut Faults) -> Org {
    Org {
        line: row.line(),
        sourced_id,
        name: row.required("name", faults).to_owned(),
        kind: row.required("type", faults).to_owned(),
        identifier: row.optional("identifier"),
        parent: row.optional("parentSourcedId"),
    }
}

fn user(table: &Table, row: TableRow<'_>, sourced_id: String, faults: &mut Faults) -> User {
    let given = row.required("givenName", faults);
    let family = row.required("familyName", faults);
    let preferred = |column, otherwise: &str| row.optional(column).unwrap_or(otherwise.to_owned());
    let given = preferred("preferredGivenName", given);
    let family = preferred("preferredFamilyName", family);
    let enabled = row.required("enabledUser", faults);
    if !matches!(enabled, "" | "true" | "false") {
        faults.tell(
            table.file(),
            row.line(),
            "enabledUser",
            "boolean",
            "the value is true or false",
        );
    }
    let accounts = accounts(row.text("userIds")).unwrap_or_else(|| {
        faults.tell(
            table.file(),
            row.line(),
            "userIds",
            "user-ids",
            "userIds is a list of {type:id}",
        );
        Vec::new()
    });
    User {
        line: row.line(),
        sourced_id,
        label: format!("{given} {family}"),
        enabled: enabled != "false",
        accounts,
        voie: voie(table, row, faults),
    }
}

fn voie(table: &Table, row: TableRow<'_>, faults: &mut Faults) -> Option<Voie> {
    let name = row.optional(VOIE)?;
    let voie = Voie::parse(&name);
    if voie.is_none() {
        faults.tell(
            table.file(),
            row.line(),
            VOIE,
            "voie",
            "the voie is gt, pro or blank",
        );
    }
    voie
}

/// `{<homePage>:<name>},{…}`: of those ids, the ones whose type is an IRI are xAPI accounts. A home
/// page holds colons itself, so the name begins after the last one.
fn accounts(text: &str) -> Option<Vec<Ifi>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut accounts = Vec::new();
    for id in inner.split("},{") {
        let (kind, name) = id.rsplit_once(':')?;
        if kind.is_empty() || name.is_empty() || id.contains(['{', '}']) {
            return None;
        }
        if formats::is_iri(kind) {
            accounts.push(Ifi::Account {
                home_page: kind.to_owned(),
                name: name.to_owned(),
            });
        }
    }
    Some(accounts)
}

fn class(_: &Table, row: TableRow<'_>, sourced_id: String, faults: &mut Faults) -> Class {
    let subjects = row.text("subjects").split(',').map(str::trim);
    Class {
        line: row.line(),
        sourced_id,
        title: row.required("title", faults).to_owned(),
        code: row.optional("classCode"),
        school: row.required("schoolSourcedId", faults).to_owned(),
        subjects: subjects
            .filter(|subject| !subject.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

fn enrolment(
    table: &Table,
    row: TableRow<'_>,
    sourced_id: String,
    faults: &mut Faults,
) -> Enrolment {
    let role = row.required("role", faults);
    if !role.is_empty() && !ROLES.contains(&role) {
        faults.tell(
            table.file(),
            row.line(),
            "role",
            "role",
            "the role is administrator, proctor, student or teacher",
        );
    }
    Enrolment {
        line: row.line(),
        sourced_id,
        class: row.required("classSourcedId", faults).to_owned(),
        user: row.required("userSourcedId", faults).to_owned(),
        role: role.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_page_keeps_its_colons() {
        let account = |home_page: &str, name: &str| Ifi::Account {
            home_page: home_page.to_owned(),
            name: name.to_owned(),
        };
        assert_eq!(
            accounts("{https://ent.example:8443/ido:a-7},{LDAP:x},{https://b.example:y}"),
            Some(vec![
                account("https://ent.example:8443/ido", "a-7"),
                account("https://b.example", "y"),
            ])
        );
        assert_eq!(accounts(""), Some(Vec::new()));
        for bad in [
            "x",
            "{x}",
            "{https://a.example:}",
            "{:y}",
            "{https://a.example:y",
            "{a:b}{c:d}",
        ] {
            assert_eq!(accounts(bad), None, "{bad}");
        }
    }
}
