//! What the sender calls an event: its id and its type, from headers and from the body.
//!
//! Each is a list of alternatives, the first that exists counts. `header:x-event + body:/action?` is a header's value
//! and, when it is there, what stands in the body; the parts of an id are joined by `:`, those of a type by `.`.

use std::{borrow::Cow, cell::OnceCell};

use http::HeaderName;
use postern_domain::{Invalid, event_type};
use sha2::{Digest, Sha256};

use crate::{
    body::Pointer,
    coded::Shown,
    fields::Fields,
    form,
    lookup::{Lookup, Want},
    refusal::Refusal,
    request::RawRequest,
};

/// Longer ids are kept as their hash, which identifies as well.
const MAX_ID_BYTES: usize = 512;

/// Where id and type stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naming {
    id: Vec<Alternative>,
    event_type: Vec<Alternative>,
    lookup: Lookup,
}

#[derive(Clone, Debug)]
struct Alternative(Vec<Part>);

#[derive(Clone, Debug)]
struct Part {
    place: Place,
    /// Left out when it is not there; else the alternative is none.
    optional: bool,
}

/// One place where a name, or a part of one, may stand.
#[derive(Clone, Debug)]
enum Place {
    Header(HeaderName),
    /// By its number in the lookup.
    Body(usize),
    Form(String),
    /// JSON in a field of a form.
    FormJson(String, Pointer),
    BodyHash,
    Literal(String),
}

/// The names of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) id: Option<String>,
    pub(crate) id_is_signed: bool,
    pub(crate) event_type: Option<String>,
}

impl Naming {
    /// Reads the lists of a preset.
    pub(crate) fn parse(id: &[String], event_type: &[String]) -> Result<Self, Invalid> {
        let mut lookup = Lookup::default();
        let mut read = |field: &str, list: &[String]| -> Result<Vec<Alternative>, Invalid> {
            list.iter().map(|text| Alternative::parse(field, text, &mut lookup)).collect()
        };
        let (id, event_type) = (read("id", id)?, read("type", event_type)?);
        Ok(Self { id, event_type, lookup })
    }

    /// Takes `id_header`, `id_path`, `type_header` and `type_path`, or the lists `id_from` and `type_from`. Unless told
    /// otherwise the type is the body's `/type`; an id is never guessed, because a wrong one would drop events as
    /// duplicates.
    pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let mut lookup = Lookup::default();
        let list = |fields: &mut Fields<'_>, name: &str, lookup: &mut Lookup| -> Result<Vec<_>, Invalid> {
            let field = format!("config.{name}");
            fields.texts(name)?.into_iter().map(|text| Alternative::parse(&field, text, lookup)).collect()
        };
        let mut id = places(&mut lookup, fields.headers("id_header")?, fields.pointer("id_path")?);
        id.extend(list(fields, "id_from", &mut lookup)?);
        let mut event_type = places(&mut lookup, fields.headers("type_header")?, fields.pointer("type_path")?);
        event_type.extend(list(fields, "type_from", &mut lookup)?);
        if event_type.is_empty() {
            event_type = places(&mut lookup, Vec::new(), Some(Pointer::from_steps(vec!["type".to_owned()])));
        }
        Ok(Self { id, event_type, lookup })
    }

    /// The names. Refused when the header of an id is there twice: one of them would be believed, and it might be the
    /// wrong one.
    pub(crate) fn names(&self, request: &RawRequest<'_>, shown: &Shown) -> Result<Names, Refusal> {
        let reader = Reader { request, lookup: &self.lookup, found: OnceCell::new() };
        let mut names = Names::default();
        if let Some(id) = &shown.event_id {
            names.id = Some(bounded(id.clone()));
            names.id_is_signed = true;
        } else {
            for alternative in &self.id {
                if let Some(text) = alternative.read(&reader, ":")?.filter(|text| !text.is_empty()) {
                    names.id = Some(bounded(text));
                    names.id_is_signed = alternative.is_signed(shown);
                    break;
                }
            }
        }
        let given = shown.event_type.iter().map(|text| Some(text.clone()));
        let read = self.event_type.iter().map(|alternative| alternative.read(&reader, ".").ok().flatten());
        // Made safe to store and show.
        let texts = given.chain(read).flatten().map(|text| event_type::clean(&text));
        names.event_type = texts.into_iter().find(|text| !text.is_empty());
        Ok(names)
    }
}

/// Reads places, and the body's all at once when the first of them is asked for.
struct Reader<'r> {
    request: &'r RawRequest<'r>,
    lookup: &'r Lookup,
    found: OnceCell<Vec<Option<String>>>,
}

impl Reader<'_> {
    fn read<'s>(&'s self, place: &'s Place) -> Result<Option<Cow<'s, str>>, Refusal> {
        let body = self.request.body;
        Ok(match place {
            Place::Header(name) => self.request.single_text(name.as_str())?.map(Cow::Borrowed),
            Place::Body(number) => {
                let found = self.found.get_or_init(|| self.lookup.find(body));
                found.get(*number).and_then(Option::as_deref).map(Cow::Borrowed)
            }
            Place::Form(_) | Place::FormJson(..) if matches!(body.first(), Some(b'{' | b'[')) => None,
            Place::Form(name) => form::find(body, name),
            Place::FormJson(name, pointer) => {
                form::find(body, name).and_then(|json| pointer.find(json.as_bytes())).map(Cow::Owned)
            }
            Place::BodyHash => Some(Cow::Owned(hex::encode(Sha256::digest(body)))),
            Place::Literal(text) => Some(Cow::Borrowed(text)),
        })
    }
}

impl Alternative {
    fn parse(field: &str, text: &str, lookup: &mut Lookup) -> Result<Self, Invalid> {
        text.split(" + ").map(|part| Part::parse(field, part.trim(), lookup)).collect::<Result<_, _>>().map(Self)
    }

    fn read(&self, reader: &Reader<'_>, joint: &str) -> Result<Option<String>, Refusal> {
        let mut text = String::new();
        for part in &self.0 {
            match reader.read(&part.place)?.filter(|part| !part.is_empty()) {
                Some(part) => {
                    if !text.is_empty() {
                        text.push_str(joint);
                    }
                    text.push_str(&part);
                }
                None if part.optional => {}
                None => return Ok(None),
            }
        }
        Ok(Some(text))
    }

    /// A hash of the body identifies it, signed or not; one part that is not signed is enough to make another id.
    fn is_signed(&self, shown: &Shown) -> bool {
        self.0.iter().all(|part| match &part.place {
            Place::Header(name) => shown.signed_headers.contains(name),
            Place::Body(_) | Place::Form(_) | Place::FormJson(..) => shown.covers_body,
            Place::BodyHash | Place::Literal(_) => true,
        })
    }
}

impl Part {
    fn parse(field: &str, text: &str, lookup: &mut Lookup) -> Result<Self, Invalid> {
        let (text, optional) = match text.strip_suffix('?') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let literal = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if let Some(literal) = literal {
            return Ok(Self { place: Place::Literal(literal.to_owned()), optional });
        }
        let fault = || {
            let known = "`header:name`, `body:/pointer`, `form:field`, `form:field/pointer`, `key:/pointer!not,these`, \
                         `sha256` or a text in single quotes";
            Invalid::new(field, format!("`{text}` is none of {known}"))
        };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let place = match kind {
            "header" => Place::Header(HeaderName::from_bytes(rest.as_bytes()).map_err(|_| fault())?),
            "body" => Place::Body(lookup.add(&Pointer::parse(field, rest)?, Want::Scalar)),
            "key" => {
                let (pointer, except) = rest.split_once('!').unwrap_or((rest, ""));
                let pointer =
                    if pointer == "/" { Pointer::from_steps(Vec::new()) } else { Pointer::parse(field, pointer)? };
                let except = except.split(',').map(str::to_owned).collect();
                Place::Body(lookup.add(&pointer, Want::FirstMember(except)))
            }
            "form" => match rest.split_once('/') {
                Some((name, pointer)) => {
                    Place::FormJson(name.to_owned(), Pointer::parse(field, &format!("/{pointer}"))?)
                }
                None if rest.is_empty() => return Err(fault()),
                None => Place::Form(rest.to_owned()),
            },
            "sha256" if rest.is_empty() => Place::BodyHash,
            _ => return Err(fault()),
        };
        Ok(Self { place, optional })
    }
}

/// An id of at most [`MAX_ID_BYTES`].
pub(crate) fn bounded(text: String) -> String {
    if text.len() <= MAX_ID_BYTES { text } else { format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))) }
}

fn places(lookup: &mut Lookup, headers: Vec<HeaderName>, pointer: Option<Pointer>) -> Vec<Alternative> {
    let body = pointer.map(|pointer| Place::Body(lookup.add(&pointer, Want::Scalar)));
    let places = headers.into_iter().map(Place::Header).chain(body);
    places.map(|place| Alternative(vec![Part { place, optional: false }])).collect()
}
