//! The invented lycée: classes, pupils and teachers that are labels only, and their roster as a
//! school's information system would export it (`OneRoster` 1.2, CSV in a zip).

use std::io::{Cursor, Write};

use rand::Rng;
use zip::write::SimpleFileOptions;

use super::seed::Seed;

/// Where the accounts live: the space of opaque identifiers that the school portal hands over.
pub(crate) const HOME_PAGE: &str = "https://gar.education.fr/ido";

/// An account of that space, and the two halves of a label ("Élève", "2A-07"). No name is invented.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) given: String,
    pub(crate) family: String,
    pub(crate) account: String,
}

impl Person {
    /// "Élève 2A-07".
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

/// A teacher and what is taught.
#[derive(Clone, Debug)]
pub(crate) struct Teacher {
    pub(crate) person: Person,
    pub(crate) subject: &'static str,
}

/// A class.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) label: String,
    pub(crate) pupils: Vec<Person>,
    pub(crate) teachers: Vec<Teacher>,
}

/// The school.
#[derive(Clone, Debug)]
pub(crate) struct Lycee {
    pub(crate) classes: Vec<Class>,
}

/// Subjects of the service, as the framework names them, with the teacher's label.
const SUBJECTS: [(&str, &str); 2] = [("maths", "de maths"), ("francais", "de français")];

impl Lycee {
    /// `classes` classes of `pupils` pupils. Accounts depend on the seed and the label alone, so
    /// that two runs as of two dates are two fortnights of the same pupils.
    pub(crate) fn new(seed: Seed, classes: u8, pupils: u8) -> Self {
        let classes = (0..classes)
            .map(|n| class(seed, &format!("2{}", char::from(b'A' + n)), pupils))
            .collect();
        Self { classes }
    }

    /// The roster as one zip of CSV files.
    pub(crate) fn roster(&self) -> anyhow::Result<Vec<u8>> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        // The date in the archive is fixed, so that the same school gives the same bytes.
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        for (name, header, rows) in self.tables() {
            zip.start_file(name, options)?;
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(header)?;
            for row in rows {
                csv.write_record(row)?;
            }
            zip.write_all(&csv.into_inner()?)?;
        }
        Ok(zip.finish()?.into_inner())
    }

    fn tables(&self) -> Vec<Table> {
        vec![
            manifest(),
            (
                "orgs.csv",
                ORGS,
                vec![cells([
                    "org-1",
                    "",
                    "",
                    "Lycée de démonstration",
                    "school",
                    "",
                    "",
                ])],
            ),
            (
                "academicSessions.csv",
                SESSIONS,
                vec![cells([
                    "year-1",
                    "",
                    "",
                    "Année de démonstration",
                    "schoolYear",
                    "2025-09-01",
                    "2026-07-04",
                    "",
                    "2026",
                ])],
            ),
            (
                "courses.csv",
                COURSES,
                vec![cells([
                    "course-2de",
                    "",
                    "",
                    "year-1",
                    "Remédiation et accompagnement",
                    "",
                    "10",
                    "org-1",
                    "",
                    "",
                ])],
            ),
            (
                "classes.csv",
                CLASSES,
                self.classes.iter().map(class_row).collect(),
            ),
            (
                "users.csv",
                USERS,
                self.people().map(|(person, _)| user_row(person)).collect(),
            ),
            (
                "roles.csv",
                ROLES,
                self.people()
                    .map(|(person, role)| role_row(person, role))
                    .collect(),
            ),
            (
                "enrollments.csv",
                ENROLLMENTS,
                self.classes.iter().flat_map(enrollment_rows).collect(),
            ),
        ]
    }

    fn people(&self) -> impl Iterator<Item = (&Person, &'static str)> {
        self.classes.iter().flat_map(|class| {
            let teachers = class
                .teachers
                .iter()
                .map(|teacher| (&teacher.person, "teacher"));
            teachers.chain(class.pupils.iter().map(|pupil| (pupil, "student")))
        })
    }
}

type Row = Vec<String>;
type Table = (&'static str, &'static [&'static str], Vec<Row>);

const ORGS: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "name",
    "type",
    "identifier",
    "parentSourcedId",
];
const SESSIONS: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "title",
    "type",
    "startDate",
    "endDate",
    "parentSourcedId",
    "schoolYear",
];
const COURSES: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "schoolYearSourcedId",
    "title",
    "courseCode",
    "grades",
    "orgSourcedId",
    "subjects",
    "subjectCodes",
];
const CLASSES: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "title",
    "grades",
    "courseSourcedId",
    "classCode",
    "classType",
    "location",
    "schoolSourcedId",
    "termSourcedIds",
    "subjects",
    "subjectCodes",
    "periods",
];
const USERS: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "enabledUser",
    "username",
    "userIds",
    "givenName",
    "familyName",
    "middleName",
    "identifier",
    "email",
    "sms",
    "phone",
    "agentSourcedIds",
    "grades",
    "password",
    "userMasterIdentifier",
    "resourceSourcedIds",
    "preferredGivenName",
    "preferredMiddleName",
    "preferredFamilyName",
    "primaryOrgSourcedId",
    "pronouns",
];
const ROLES: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "userSourcedId",
    "roleType",
    "role",
    "beginDate",
    "endDate",
    "orgSourcedId",
    "userProfileSourcedId",
];
const ENROLLMENTS: &[&str] = &[
    "sourcedId",
    "status",
    "dateLastModified",
    "classSourcedId",
    "schoolSourcedId",
    "userSourcedId",
    "role",
    "primary",
    "beginDate",
    "endDate",
];

/// The manifest says which files are there, and that each replaces what was known ("bulk").
fn manifest() -> Table {
    let present = [
        "academicSessions",
        "classes",
        "courses",
        "enrollments",
        "orgs",
        "roles",
        "users",
    ];
    let absent = [
        "categories",
        "classResources",
        "courseResources",
        "demographics",
        "lineItemLearningObjectiveIds",
        "lineItems",
        "lineItemScoreScales",
        "resources",
        "resultLearningObjectiveIds",
        "results",
        "resultScoreScales",
        "scoreScales",
        "userProfiles",
        "userResources",
    ];
    let mut rows = vec![
        cells(["manifest.version", "1.0"]),
        cells(["oneroster.version", "1.2"]),
    ];
    rows.extend(present.map(|name| cells([&*format!("file.{name}"), "bulk"])));
    rows.extend(absent.map(|name| cells([&*format!("file.{name}"), "absent"])));
    rows.extend([
        cells(["source.systemName", "Sillage, démonstration"]),
        cells(["source.systemCode", "sillage-demo"]),
    ]);
    ("manifest.csv", &["propertyName", "value"], rows)
}

fn class_row(class: &Class) -> Row {
    let id = class_id(class);
    let subjects = SUBJECTS.map(|(subject, _)| subject).join(",");
    cells([
        &*id,
        "",
        "",
        &class.label,
        "10",
        "course-2de",
        &class.label,
        "homeroom",
        "",
        "org-1",
        "year-1",
        &subjects,
        "",
        "",
    ])
}

fn user_row(person: &Person) -> Row {
    let mut row = vec![String::new(); USERS.len()];
    let account = format!("{{{HOME_PAGE}:{}}}", person.account);
    let filled = [
        (0, &*person.id),
        (3, "true"),
        (4, &person.id),
        (5, &account),
        (6, &person.given),
        (7, &person.family),
        (21, "org-1"),
    ];
    for (column, value) in filled {
        value.clone_into(&mut row[column]);
    }
    row
}

fn role_row(person: &Person, role: &str) -> Row {
    cells([
        &*format!("role-{}", person.id),
        "",
        "",
        &person.id,
        "primary",
        role,
        "",
        "",
        "org-1",
        "",
    ])
}

fn enrollment_rows(class: &Class) -> Vec<Row> {
    let teachers = class
        .teachers
        .iter()
        .map(|teacher| (&teacher.person, "teacher"));
    let pupils = class.pupils.iter().map(|pupil| (pupil, "student"));
    let row = |(person, role): (&Person, &str)| {
        let primary = if role == "teacher" { "true" } else { "" };
        cells([
            &*format!("in-{}", person.id),
            "",
            "",
            &class_id(class),
            "org-1",
            &person.id,
            role,
            primary,
            "",
            "",
        ])
    };
    teachers.chain(pupils).map(row).collect()
}

fn class_id(class: &Class) -> String {
    format!("class-{}", class.label.to_lowercase())
}

fn cells<const N: usize>(values: [&str; N]) -> Row {
    values.map(str::to_owned).to_vec()
}

fn class(seed: Seed, label: &str, pupils: u8) -> Class {
    let pupils = (1..=pupils)
        .map(|n| {
            person(
                seed,
                "Élève",
                &format!("{label}-{n:02}"),
                &format!("pupil-{label}-{n:02}"),
            )
        })
        .collect();
    let teacher = |(subject, words): (&'static str, &str)| Teacher {
        person: person(
            seed,
            "Enseignant·e",
            &format!("{words} {label}"),
            &format!("teacher-{label}-{subject}"),
        ),
        subject,
    };
    Class {
        label: label.to_owned(),
        pupils,
        teachers: SUBJECTS.map(teacher).to_vec(),
    }
}

/// An account name has the shape that the portal's identifiers have: 128 hexadecimal digits.
fn person(seed: Seed, given: &str, family: &str, id: &str) -> Person {
    let bytes: [u8; 64] = seed.stream(&format!("account {id}")).random();
    Person {
        id: id.to_lowercase(),
        given: given.to_owned(),
        family: family.to_owned(),
        account: hex::encode(bytes),
    }
}
