//! The format `canonical`: Activities with the definitions that the LRS keeps, and one language in each
//! language map. Agents and Groups stay as they were sent.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use serde_json::value::RawValue;

use super::{Languages, Members, Object, each, object_type, quoted, rewrite, verbatim};

/// What is shown in place of what was sent.
struct Canon<'a> {
    /// Definitions as JSON, by the Activity's IRI.
    definitions: &'a HashMap<String, String>,
    languages: &'a Languages,
}

/// A statement in its canonical form, from the statement as it is given back exactly.
///
/// `definitions`: those that the LRS keeps, as JSON, by the Activity's IRI; an Activity that has none there keeps the
/// one that it was sent with.
///
/// Fails only when that is not the object that was once accepted.
pub fn canonical(
    exact: &str,
    definitions: &HashMap<String, String>,
    languages: &Languages,
) -> Result<String, serde_json::Error> {
    let canon = Canon {
        definitions,
        languages,
    };
    canon.statement(serde_json::from_str(exact)?)
}

/// The IRIs of all Activities of a statement, whose definitions `canonical` asks for.
pub fn activities(exact: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let found = RefCell::new(BTreeSet::new());
    of_statement(serde_json::from_str(exact)?, &|activity| {
        found.borrow_mut().extend(iri(activity)?);
        verbatim(activity)
    })?;
    Ok(found.into_inner())
}

/// Goes over the Activities of a Statement or `SubStatement`, giving each back by `activity`.
fn of_statement(
    value: &RawValue,
    activity: &dyn Fn(&RawValue) -> Result<String, serde_json::Error>,
) -> Result<String, serde_json::Error> {
    rewrite(value, |key, value| match key {
        "object" => match object_type(value)?.as_str() {
            "Activity" => activity(value),
            "SubStatement" => of_statement(value, activity),
            _ => verbatim(value),
        },
        "context" => rewrite(value, |key, value| {
            if key == "contextActivities" {
                rewrite(value, |_, activities| each(activities, activity))
            } else {
                verbatim(value)
            }
        }),
        _ => verbatim(value),
    })
}

fn iri(activity: &RawValue) -> Result<Option<String>, serde_json::Error> {
    let members = Members::read(activity.get().as_bytes())?;
    let id = members.0.iter().find(|(key, _)| key == "id");
    id.map(|(_, id)| serde_json::from_str(id.get())).transpose()
}

impl Canon<'_> {
    fn statement(&self, value: &RawValue) -> Result<String, serde_json::Error> {
        let activities = of_statement(value, &|activity| self.activity(activity))?;
        self.words(serde_json::from_str(&activities)?)
    }

    /// Verbs and attachments of a Statement or `SubStatement`.
    fn words(&self, value: &RawValue) -> Result<String, serde_json::Error> {
        rewrite(value, |key, value| match key {
            "verb" => self.maps(value, &["display"]),
            "attachments" => each(value, |one| self.maps(one, &["display", "description"])),
            "object" if object_type(value)? == "SubStatement" => self.words(value),
            _ => verbatim(value),
        })
    }

    fn activity(&self, value: &RawValue) -> Result<String, serde_json::Error> {
        let kept = iri(value)?.and_then(|iri| self.definitions.get(&iri));
        let kept: Option<&RawValue> = kept.map(|json| serde_json::from_str(json)).transpose()?;
        let mut out = Object::with_capacity(value.get().len());
        for (key, value) in &Members::read(value.get().as_bytes())?.0 {
            match (key.as_str(), kept) {
                ("definition", None) => out.member(key, &self.definition(value)?),
                ("definition", Some(_)) => {}
                _ => out.member(key, value.get()),
            }
        }
        if let Some(kept) = kept {
            out.member("definition", &self.definition(kept)?);
        }
        Ok(out.close())
    }

    fn definition(&self, value: &RawValue) -> Result<String, serde_json::Error> {
        if !value.get().starts_with('{') {
            return verbatim(value);
        }
        rewrite(value, |key, value| match key {
            "name" | "description" => self.one_language(value),
            "choices" | "scale" | "source" | "target" | "steps" => {
                each(value, |component| self.maps(component, &["description"]))
            }
            _ => verbatim(value),
        })
    }

    /// An object in which some members are language maps.
    fn maps(&self, value: &RawValue, names: &[&str]) -> Result<String, serde_json::Error> {
        rewrite(value, |key, value| {
            if names.contains(&key) {
                self.one_language(value)
            } else {
                verbatim(value)
            }
        })
    }

    fn one_language(&self, map: &RawValue) -> Result<String, serde_json::Error> {
        if !map.get().starts_with('{') {
            return verbatim(map);
        }
        let members = Members::read(map.get().as_bytes())?;
        let tags: Vec<&str> = members.0.iter().map(|(tag, _)| tag.as_str()).collect();
        Ok(match self.languages.best(&tags) {
            Some(place) => {
                let (tag, text) = &members.0[place];
                format!("{{{}:{}}}", quoted(tag), text.get())
            }
            None => "{}".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: &str = concat!(
        r#"{"actor":{"name":"a","mbox":"mailto:a@example.org"},"#,
        r#""verb":{"id":"https://example.org/v","display":{"fr":"a fait","en-GB":"did"}},"#,
        r#""object":{"objectType":"SubStatement","actor":{"mbox":"mailto:a@example.org"},"#,
        r#""verb":{"id":"https://example.org/v","display":{"de":"tat"}},"#,
        r#""object":{"id":"https://example.org/o","definition":{"name":{"fr":"sent"},"type":"https://example.org/t"}}},"#,
        r#""context":{"contextActivities":{"parent":[{"id":"https://example.org/p"}],"#,
        r#""other":[{"id":"https://example.org/x","definition":{"choices":[{"id":"1","description":{"en":"one","fr":"un"}}],"#,
        r#""extensions":{"https://example.org/e":{"name":{"en":"a","fr":"b"}}},"description":{}}}]}},"#,
        r#""attachments":[{"display":{"en":"d","fr":"e"},"length":1.0}]}"#,
    );

    #[test]
    fn definitions_are_those_kept_and_maps_have_one_language() {
        let definitions = HashMap::from([
            (
                "https://example.org/o".to_owned(),
                r#"{"name":{"en":"kept","fr":"gardé"},"moreInfo":"https://example.org/m"}"#
                    .to_owned(),
            ),
            (
                "https://example.org/p".to_owned(),
                r#"{"description":{"en":"parent"}}"#.to_owned(),
            ),
        ]);
        let shown = canonical(EXACT, &definitions, &Languages::read("fr")).expect("an object");
        let wanted = concat!(
            r#"{"actor":{"name":"a","mbox":"mailto:a@example.org"},"#,
            r#""verb":{"id":"https://example.org/v","display":{"fr":"a fait"}},"#,
            r#""object":{"objectType":"SubStatement","actor":{"mbox":"mailto:a@example.org"},"#,
            r#""verb":{"id":"https://example.org/v","display":{"de":"tat"}},"#,
            r#""object":{"id":"https://example.org/o","definition":{"name":{"fr":"gardé"},"moreInfo":"https://example.org/m"}}},"#,
            r#""context":{"contextActivities":{"parent":[{"id":"https://example.org/p","definition":{"description":{"en":"parent"}}}],"#,
            r#""other":[{"id":"https://example.org/x","definition":{"choices":[{"id":"1","description":{"fr":"un"}}],"#,
            r#""extensions":{"https://example.org/e":{"name":{"en":"a","fr":"b"}}},"description":{}}}]}},"#,
            r#""attachments":[{"display":{"fr":"e"},"length":1.0}]}"#,
        );
        assert_eq!(shown, wanted);
    }

    #[test]
    fn all_activities_of_a_statement_are_asked_for() {
        let found: Vec<String> = activities(EXACT).expect("an object").into_iter().collect();
        assert_eq!(
            found,
            [
                "https://example.org/o",
                "https://example.org/p",
                "https://example.org/x"
            ]
        );
    }
}
