//! Who else wrote a commit.

use super::Person;

const TRAILER: &str = "co-authored-by:";

/// Everybody named by `Co-authored-by: Name <address>` at the beginning of a line, in any
/// message and wherever forges put it; each once, and not the author.
pub(super) fn co_authors(message: &str, author: &Person) -> Vec<Person> {
    let mut found: Vec<Person> = Vec::new();
    for person in message.lines().filter_map(named) {
        let is = |other: &Person| {
            other.email.eq_ignore_ascii_case(&person.email)
                && (!person.email.is_empty() || other.name == person.name)
        };
        if !is(author) && !found.iter().any(is) {
            found.push(person);
        }
    }
    found
}

fn named(line: &str) -> Option<Person> {
    let head = line.get(..TRAILER.len())?;
    if !head.eq_ignore_ascii_case(TRAILER) {
        return None;
    }
    let value = line[TRAILER.len()..].trim();
    let (name, email) = match value.rsplit_once('<') {
        Some((name, rest)) => (name.trim(), rest.trim_end_matches('>').trim()),
        None => (value, ""),
    };
    (!name.is_empty() || !email.is_empty()).then(|| Person {
        name: if name.is_empty() { email } else { name }.to_owned(),
        email: email.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, email: &str) -> Person {
        Person {
            name: name.to_owned(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn co_authors_are_found_in_any_message_once_and_without_the_author() {
        let message = "Not conventional at all\n\ntext\n---------\n\n\
            Co-authored-by: Ada <ada@example.com>\nco-authored-by:Bo<bo@example.com>\n\
            Co-Authored-By: Ada L. <ADA@example.com>\nCo-authored-by: Me <me@example.com>\n\
            Co-authored-by:\nCo-authored-by: Nobody\n  Co-authored-by: In <text@example.com>\n\
            co-authored-b\u{fc}: no";
        let found = co_authors(message, &person("Me", "me@example.com"));
        let expected = [
            person("Ada", "ada@example.com"),
            person("Bo", "bo@example.com"),
            person("Nobody", ""),
        ];
        assert_eq!(found, expected);
    }
}
