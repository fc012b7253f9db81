//! Just enough reading of Rust to tell code from strings and comments, and to find functions.

/// A source text taken apart.
pub(crate) struct Read {
    /// The same text, line for line, with the insides of strings and comments blanked.
    pub(crate) code: String,
    /// The string literals: the line each starts on (from 1) and what it holds.
    pub(crate) strings: Vec<(usize, String)>,
}

pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

pub(crate) fn read(text: &str) -> Read {
    let chars: Vec<char> = text.chars().collect();
    let mut reader =
        Reader { chars: &chars, at: 0, line: 1, code: String::with_capacity(text.len()), strings: Vec::new() };
    while reader.at < chars.len() {
        reader.step();
    }
    Read { code: reader.code, strings: reader.strings }
}

/// Every function with a body, nested ones too, and how many lines it takes from `fn` to its closing brace.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let words = words_with_offsets(code);
    let starts = words.windows(2).filter(|pair| pair[0].1 == "fn" && code[pair[0].0 + 2..pair[1].0].trim().is_empty());
    starts
        .filter_map(|pair| {
            let (offset, name) = (pair[0].0, pair[1].1.to_owned());
            let end = end_of_body(code, pair[1].0)?;
            let line = code[..offset].matches('\n').count() + 1;
            Some(Function { name, line, lines: code[offset..end].matches('\n').count() + 1 })
        })
        .collect()
}

/// The identifiers and keywords of blanked code, with their lines.
pub(crate) fn identifiers(code: &str) -> Vec<(usize, String)> {
    let lines = code.lines().enumerate();
    lines
        .flat_map(|(index, line)| {
            words_with_offsets(line).into_iter().map(move |(_, word)| (index + 1, word.to_owned()))
        })
        .collect()
}

fn words_with_offsets(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (offset, found) in text.char_indices().chain([(text.len(), ' ')]) {
        match (found.is_alphanumeric() || found == '_', start) {
            (true, None) => start = Some(offset),
            (false, Some(from)) => {
                words.push((from, &text[from..offset]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Where the body that begins after `from` ends; `None` for a declaration without one.
fn end_of_body(code: &str, from: usize) -> Option<usize> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (offset, found) in code[from..].char_indices() {
        match found {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(from + offset);
                }
            }
            _ => {}
        }
    }
    None
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let here = self.chars[self.at];
        match (here, self.peek(1)) {
            ('/', Some('/')) => self.blank_while(|reader| reader.chars[reader.at] != '\n'),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('r', Some('"' | '#')) if !self.inside_word() && self.raw_hashes().is_some() => self.raw_string(),
            ('\'', next) if self.is_char_literal(next) => self.char_literal(),
            _ => self.keep(),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, expected)| self.peek(index) == Some(expected))
    }

    /// Whether the character before belongs to an identifier. `b` and `c` may stand before a raw string.
    fn inside_word(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).map(|at| self.chars[at]);
        let is_word = |found: Option<char>| found.is_some_and(|found| found.is_alphanumeric() || found == '_');
        match before(1) {
            Some('b' | 'c') => is_word(before(2)),
            other => is_word(other),
        }
    }

    fn keep(&mut self) {
        let here = self.chars[self.at];
        self.line += usize::from(here == '\n');
        self.code.push(here);
        self.at += 1;
    }

    fn blank(&mut self) {
        let here = self.chars[self.at];
        self.line += usize::from(here == '\n');
        self.code.push(if here == '\n' { '\n' } else { ' ' });
        self.at += 1;
    }

    fn blank_while(&mut self, goes_on: impl Fn(&Self) -> bool) {
        while self.at < self.chars.len() && goes_on(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.chars.len() {
            let (opens, closes) = (self.starts_with("/*"), self.starts_with("*/"));
            if opens || closes {
                self.blank();
                depth = if opens { depth + 1 } else { depth - 1 };
            }
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let (line, start) = (self.line, self.at + 1);
        self.keep();
        while self.at < self.chars.len() && self.chars[self.at] != '"' {
            if self.chars[self.at] == '\\' {
                self.blank();
            }
            if self.at < self.chars.len() {
                self.blank();
            }
        }
        self.end_string(line, start, 1);
    }

    fn raw_hashes(&self) -> Option<usize> {
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (self.peek(hashes + 1) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or_default();
        let close = format!("\"{}", "#".repeat(hashes));
        let line = self.line;
        (0..hashes + 2).for_each(|_| self.keep());
        let start = self.at;
        self.blank_while(|reader| !reader.starts_with(&close));
        self.end_string(line, start, close.len());
    }

    fn end_string(&mut self, line: usize, start: usize, closing: usize) {
        let end = self.at.min(self.chars.len()).max(start);
        self.strings.push((line, self.chars[start.min(end)..end].iter().collect()));
        for _ in 0..closing.min(self.chars.len() - self.at) {
            self.keep();
        }
    }

    /// `'a'` and `'\n'` are characters; `'a` alone is a lifetime.
    fn is_char_literal(&self, next: Option<char>) -> bool {
        next == Some('\\') || self.peek(2) == Some('\'')
    }

    fn char_literal(&mut self) {
        self.keep();
        if self.peek(0) == Some('\\') {
            self.blank();
        }
        self.blank();
        self.blank_while(|reader| reader.chars[reader.at] != '\'');
        if self.at < self.chars.len() {
            self.keep();
        }
    }
}

#[test]
fn strings_and_comments_are_not_code() {
    let text = "let a = \"fn \\\" x\"; // fn b() {\n/* { /* nested */ { */ let c = '{'; let d: &'static str = r#\"{ \" {\"#;\nb\"{\"";
    let read = read(text);
    assert!(!read.code.contains('{'), "{}", read.code);
    assert_eq!(read.code.lines().count(), text.lines().count());
    assert_eq!(read.strings, [(1, "fn \\\" x".to_owned()), (2, "{ \" {".to_owned()), (3, "{".to_owned())]);
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let code = "trait T { fn none(&self) -> [u8; 4]; }\nfn one() { a() }\npub(crate) async fn three(x: [u8; 2]) -> u8 {\n  let f: fn(u8) = b;\n}\n";
    let found: Vec<(String, usize, usize)> =
        functions(code).into_iter().map(|function| (function.name, function.line, function.lines)).collect();
    assert_eq!(found, [("one".to_owned(), 2, 1), ("three".to_owned(), 3, 3)]);
}
