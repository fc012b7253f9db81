//! Just enough reading of HTML to check pages, and strict: what a browser would forgive is a fault here.

const VOID: [&str; 7] = ["br", "hr", "img", "input", "link", "meta", "wbr"];

#[derive(Debug)]
pub(super) struct Document {
    pub(super) tags: Vec<Tag>,
}

/// An element, by its opening tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    place: usize,
    /// The number of tags opened before this one was closed.
    end: usize,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Document {
    /// Fails on what is not nested, not quoted, or not closed.
    pub(super) fn read(html: &str) -> Result<Self, String> {
        let mut tags: Vec<Tag> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = html;
        while let Some((_, from)) = rest.split_once('<') {
            let (inside, after) = split_tag(from).ok_or_else(|| format!("not closed: <{}", head(from)))?;
            rest = after;
            if inside.eq_ignore_ascii_case("!doctype html") {
                continue;
            }
            if let Some(name) = inside.strip_prefix('/') {
                let last = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
                let number = tags.len();
                let opened = &mut tags[last];
                if opened.name != name {
                    return Err(format!("</{name}> closes <{}>", opened.name));
                }
                opened.end = number;
                continue;
            }
            let inside = inside.strip_suffix('/').unwrap_or(inside);
            let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            if name.is_empty() || !name.chars().all(|found| found.is_ascii_alphanumeric()) {
                return Err(format!("no tag: <{}", head(from)));
            }
            let place = tags.len();
            tags.push(Tag { name: name.to_owned(), attributes: read_attributes(attributes)?, place, end: place + 1 });
            if !VOID.contains(&name) && !is_closed_at_once(from) {
                open.push(place);
            }
        }
        match open.last() {
            Some(place) => Err(format!("<{}> is never closed", tags[*place].name)),
            None => Ok(Self { tags }),
        }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(move |tag| tag.name == name)
    }

    pub(super) fn within(&self, tag: &Tag) -> &[Tag] {
        &self.tags[tag.place + 1..tag.end.max(tag.place + 1)]
    }
}

fn is_closed_at_once(from: &str) -> bool {
    split_tag(from).is_some_and(|(inside, _)| inside.ends_with('/'))
}

/// At the `>` that is in no quotes.
fn split_tag(from: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (place, found) in from.char_indices() {
        match (quote, found) {
            (None, '>') => return Some((&from[..place], &from[place + 1..])),
            (None, '"' | '\'') => quote = Some(found),
            (Some(open), _) if open == found => quote = None,
            _ => {}
        }
    }
    None
}

fn read_attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|next: char| next == '=' || next.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(value) => {
                let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
                let quote = quote.ok_or_else(|| format!("not quoted: {}", head(rest)))?;
                value[1..].split_once(quote).ok_or_else(|| format!("not closed: {}", head(rest)))?
            }
        };
        if !name.chars().all(|part| part.is_ascii_alphanumeric() || "-_:".contains(part)) {
            return Err(format!("no attribute: {}", head(rest)));
        }
        found.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    Ok(found)
}

fn head(text: &str) -> String {
    text.chars().take(80).collect()
}
