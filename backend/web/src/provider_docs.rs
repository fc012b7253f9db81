//! What is known of each provider as a document: where to click there, what to paste, what is checked and what is not.
//!
//! Written from the presets that come with Postern. `docs/providers` has copies that are checked.

use std::fmt::Write;

use postern_pipeline::providers::{self, ConfigField, Need, Preset, PresetScheme, Presets, Trust};

use crate::pages::{answer_words, category_title};

const INDEX: &str = "README.md";

/// The name of each file and its text, the index first; the same from the same presets.
#[must_use]
pub fn documents() -> Vec<(String, String)> {
    let presets: Vec<&Preset> = Presets::builtin().all().collect();
    let mut documents = vec![(INDEX.to_owned(), index(&presets))];
    documents.extend(presets.iter().map(|preset| (format!("{}.md", preset.id), document(preset))));
    documents
}

fn index(presets: &[&Preset]) -> String {
    let mut text = String::from(
        "# Providers\n\nWhat Postern knows of those who send, written from `backend/signatures/presets` by `make regen`. \
         `GET /api/v1/providers` tells\nthe same to programs. A sender that is not listed needs no code: take the scheme \
         `hmac`, `token`, `bearer` or `basic`.\n\n## Trust\n\n",
    );
    for trust in [Trust::A, Trust::B, Trust::C, Trust::D, Trust::E] {
        line(&mut text, &format!("* **{}**: {}", trust.as_str(), trust.meaning()));
    }
    let mut categories: Vec<&str> = presets.iter().map(|preset| preset.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    for category in categories {
        line(
            &mut text,
            &format!(
                "\n## {}\n\n| provider | id | trust | proves itself by |\n|---|---|---|---|",
                category_title(category)
            ),
        );
        for preset in presets.iter().filter(|preset| preset.category == category) {
            line(&mut text, &row(preset));
        }
    }
    text
}

fn row(preset: &Preset) -> String {
    let mut levels: Vec<&str> = preset.schemes.iter().map(|scheme| scheme.trust.as_str()).collect();
    levels.dedup();
    let labels: Vec<&str> = preset.schemes.iter().map(|scheme| scheme.label.as_str()).collect();
    let (levels, labels) = (levels.join(", "), labels.join("; ").replace('|', "\\|"));
    format!("| [{}]({}.md) | `{}` | {levels} | {labels} |", preset.name, preset.id, preset.id)
}

fn document(preset: &Preset) -> String {
    let mut text = format!("# {}\n\n", preset.name);
    if let Some(first) = preset.schemes.first() {
        let meaning = providers::meaning(first.trust, &preset.name);
        line(&mut text, &format!("Trust **{}**. {meaning}", first.trust.as_str()));
    }
    line(&mut text, &format!("\n## At {}\n\n{}", preset.name, preset.where_to_click));
    if let Some(url) = &preset.docs_url {
        line(&mut text, &format!("\nIts own words: <{url}>"));
    }
    line(
        &mut text,
        &format!(
            "\n## In Postern\n\nProvider `{}`, on the form of a new source or as `provider` of `POST /api/v1/sources`.",
            preset.id
        ),
    );
    for scheme in &preset.schemes {
        described(&mut text, preset, scheme);
    }
    habits(&mut text, preset);
    if !preset.traps.is_empty() {
        text.push_str("\n## Mind\n\n");
        preset.traps.iter().for_each(|trap| line(&mut text, &format!("* {trap}")));
    }
    text
}

fn described(text: &mut String, preset: &Preset, scheme: &PresetScheme) {
    line(text, &format!("\n### {}", scheme.label));
    let several = preset.schemes.len() > 1;
    if several {
        let meaning = providers::meaning(scheme.trust, &preset.name);
        line(text, &format!("\nScheme `{}`, trust **{}**. {meaning}", scheme.id, scheme.trust.as_str()));
    }
    line(text, &format!("\n* Checked: {}", scheme.covers));
    line(text, &format!("* Not checked: {}", scheme.leaves_out));
    line(text, &format!("* {}", secret(scheme)));
    if let Some(label) = &scheme.public_key {
        line(text, &format!("* Public key (`public_keys`): {label}"));
    }
    scheme.config.iter().for_each(|field| line(text, &config_field(field)));
    if scheme.needs_public_url {
        line(text, "* The URL is signed: where it is not the one that the source shows, set `public_url`.");
    }
    if let Some(seconds) = scheme.tolerance_s {
        line(text, &format!("* Window: {seconds} s around the signed time; `config.tolerance_s` sets another."));
    }
    match &scheme.answer {
        Some(answer) => line(text, &format!("* Answer: {}", answer_words(answer))),
        None => line(text, "* Answer: 200 with the event's id, or what the source says."),
    }
    if !scheme.handshakes.is_empty() {
        let names: Vec<String> = scheme.handshakes.iter().map(|name| format!("`{name}`")).collect();
        line(text, &format!("* Answered without becoming an event: {}", names.join(", ")));
    }
}

fn secret(scheme: &PresetScheme) -> String {
    let form = &scheme.secret;
    let need = match form.need {
        Need::Required => "",
        Need::Optional => " (may be left out)",
        Need::Learned => " (learned from the provider's first request, or entered)",
        Need::None => return "Secret: none".to_owned(),
    };
    let label = if form.label.is_empty() { "as the provider shows it" } else { &form.label };
    let hint = if form.hint.is_empty() { String::new() } else { format!(". {}", form.hint) };
    format!("Secret (`secrets`){need}: {label}{hint}")
}

fn config_field(field: &ConfigField) -> String {
    let need = if field.required { "" } else { " (may be left out)" };
    let hint = if field.hint.is_empty() { String::new() } else { format!(". {}", field.hint) };
    let choices: Vec<String> = field.choices.iter().map(|choice| format!("`{choice}`")).collect();
    let choices = if choices.is_empty() { String::new() } else { format!(" One of {}.", choices.join(", ")) };
    format!("* `config.{}`{need}: {}{hint}{choices}", field.name, field.label)
}

fn habits(text: &mut String, preset: &Preset) {
    line(text, &format!("\n## What {} does", preset.name));
    line(text, &format!("\n* Waits for an answer: {}", preset.timeout.as_deref().unwrap_or("not published")));
    line(text, &format!("* Tries again: {}", preset.retries.as_deref().unwrap_or("not published")));
    if preset.source_ranges.is_empty() {
        line(text, "* Sends from: not published");
    } else {
        let ranges: Vec<String> = preset.source_ranges.iter().map(|range| format!("`{range}`")).collect();
        line(text, &format!("* Sends from: {}", ranges.join(", ")));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing into memory does not fail.
    let _ = writeln!(text, "{}", line.trim_end());
}
