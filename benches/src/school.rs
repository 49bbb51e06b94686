//! What the neighbours of the LRS must know before answers come, as a school's information system and a
//! publisher would send it: who is in which class, and what there is to answer.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use schemas::framework::Framework;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::national::{Country, account_of};

/// Files that each replace what was known.
const MANIFEST: &str = "propertyName,value
manifest.version,1.0
oneroster.version,1.2
file.orgs,bulk
file.users,bulk
file.classes,bulk
file.enrollments,bulk
";

/// The classes of a country with all their pupils: `OneRoster` 1.2, CSV in a zip, with the columns that
/// are read.
pub fn roster(country: &Country) -> anyhow::Result<Vec<u8>> {
    let mut orgs = "sourcedId,name,type\n".to_owned();
    let mut classes = "sourcedId,title,schoolSourcedId\n".to_owned();
    let mut users = "sourcedId,enabledUser,userIds,givenName,familyName\n".to_owned();
    let mut enrolments = "sourcedId,classSourcedId,userSourcedId,role\n".to_owned();
    let mut schools = 0;
    for (class, (school, pupils)) in country.classes().enumerate() {
        if school == schools {
            writeln!(orgs, "org-{school},Lycée {school},school")?;
            schools += 1;
        }
        writeln!(classes, "class-{class},Seconde {class:05},org-{school}")?;
        for pupil in pupils {
            let (home_page, name) = account_of(pupil);
            writeln!(
                users,
                "pupil-{pupil},true,{{{home_page}:{name}}},Élève,{pupil:06}"
            )?;
            writeln!(enrolments, "in-{pupil},class-{class},pupil-{pupil},student")?;
        }
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("manifest.csv", MANIFEST),
        ("orgs.csv", &orgs),
        ("classes.csv", &classes),
        ("users.csv", &users),
        ("enrollments.csv", &enrolments),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The exercises of a country as a catalogue: the competencies of their subject in turn, and the six
/// degrees.
#[must_use]
pub fn catalogue(country: &Country) -> Value {
    let framework = Framework::seconde();
    let of = |subject: &str| -> Vec<&str> {
        let of_subject = framework
            .competencies()
            .filter(|(domain, _)| domain.subject == subject);
        of_subject
            .map(|(_, competency)| competency.uri.as_str())
            .collect()
    };
    let (maths, francais) = (of("maths"), of("francais"));
    let item = |(number, (iri, is_maths)): (usize, (String, bool))| {
        let (subject, competencies) = if is_maths {
            ("maths", &maths)
        } else {
            ("francais", &francais)
        };
        json!({
            "id": iri,
            "title": { "fr": format!("Exercice {number}") },
            "subject": subject,
            "competencies": [competencies[number % competencies.len()]],
            "level": 1 + number / competencies.len() % 6,
        })
    };
    let items: Vec<Value> = country.exercises().enumerate().map(item).collect();
    json!({ "uri": "https://ressources.edu.example.net/catalogue", "version": "1", "items": items })
}

#[cfg(test)]
mod tests {
    use analytics::people::roster::Roster;
    use schemas::catalogue::Catalogue;

    use super::*;

    #[test]
    fn analytics_reads_the_roster_and_finds_all_pupils() {
        let country = Country::schools(2);
        let roster = Roster::read(&roster(&country).unwrap()).unwrap();
        assert_eq!(roster.orgs.written.len(), 2);
        assert_eq!(roster.classes.written.len(), country.classes().count());
        let pupils: u64 = country
            .classes()
            .map(|(_, pupils)| pupils.count() as u64)
            .sum();
        assert_eq!(roster.users.written.len() as u64, pupils);
        assert!(
            roster
                .users
                .written
                .iter()
                .all(|user| user.accounts.len() == 1)
        );
    }

    #[test]
    fn the_catalogue_is_one_and_has_every_exercise() {
        let country = Country::default();
        let catalogue: Catalogue = serde_json::from_value(catalogue(&country)).unwrap();
        assert_eq!(catalogue.items.len(), country.exercises().count());
    }
}
