//! The first step to a new source: every provider, found by name or by what it is for.

use std::collections::BTreeMap;

use actix_web::web::Data;
use postern_frontend::{
    form::Field,
    format, links,
    pages::provider_list::{ProviderGroup, ProviderLink, ProviderList},
    shell::Section,
};
use postern_pipeline::providers::{self, Preset};

use super::{
    answer::{self, Nonce},
    config_rows::Answer,
    generic::{GENERIC, Generic},
    sender,
};
use crate::{
    App,
    auth::{Member, SourcesWrite},
};

pub(super) async fn page(app: &Data<App>, member: &Member<SourcesWrite>, q: String) -> Answer {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Sources, None, &nonce).await?;
    let here = shell.to("sources/new");
    let all: Vec<&Preset> = providers::known(&app.engine).all().collect();
    let found: Vec<&Preset> = all.iter().copied().filter(|preset| fits(preset, &q)).collect();
    let (number, of) = (count(found.len()), format::counted(count(all.len()), "provider", "providers"));
    let counted = if found.len() == all.len() { of } else { format!("{} of {of}", format::count(number)) };
    let view = ProviderList {
        groups: groups(&found, &here),
        counted,
        generic: GENERIC.iter().map(|generic| generic_link(generic, &here)).collect(),
        q: Field::new("q", q).labelled("Provider"),
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Every word stands somewhere in what is known by name.
fn fits(preset: &Preset, q: &str) -> bool {
    let labels = preset.schemes.iter().flat_map(|scheme| [scheme.id.as_str(), scheme.label.as_str()]);
    let names = [preset.id.as_str(), preset.name.as_str(), preset.category.as_str()];
    let text = names.into_iter().chain(labels).collect::<Vec<_>>().join("\n").to_lowercase();
    q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn groups(found: &[&Preset], here: &str) -> Vec<ProviderGroup> {
    let mut groups: BTreeMap<&str, Vec<ProviderLink>> = BTreeMap::new();
    for preset in found {
        groups.entry(&preset.category).or_default().push(link(preset, here));
    }
    let group = |(category, providers): (&str, _)| ProviderGroup {
        id: category.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect(),
        title: title(category),
        providers,
    };
    groups.into_iter().map(group).collect()
}

/// `Source control` of `source-control`, `AI` of `ai`.
pub(crate) fn title(category: &str) -> String {
    const SPELLED: [&str; 4] = ["ai", "api", "crm", "sms"];
    if SPELLED.contains(&category) {
        return category.to_uppercase();
    }
    let words = category.replace(['-', '_'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn link(preset: &Preset, here: &str) -> ProviderLink {
    let labels: Vec<&str> = preset.schemes.iter().map(|scheme| scheme.label.as_str()).collect();
    ProviderLink {
        href: links::with_query(here, &[("provider", &preset.id)]),
        name: preset.name.clone(),
        text: labels.join(", or "),
        trust: preset.schemes.first().map(|scheme| sender::trust(scheme.trust, &preset.name)),
    }
}

fn generic_link(generic: &Generic, here: &str) -> ProviderLink {
    ProviderLink {
        href: links::with_query(here, &[("provider", generic.id)]),
        name: generic.name.to_owned(),
        text: generic.text.to_owned(),
        trust: generic.trust.map(|trust| sender::trust(trust, "The sender")),
    }
}
