//! Every page with every sample: what the tests read, and what `cargo run -p postern-frontend --example samples` writes.

use crate::{
    Page, Sample,
    pages::{
        account::Account, audit::AuditList, call::CallDetail, calls::CallList, check::CheckPage, confirm::Confirm,
        connection::ConnectionDetail, connection_form::ConnectionEditor, connections::ConnectionList,
        deliveries::DeliveryList, destination::DestinationDetail, destination_form::DestinationEditor,
        destinations::DestinationList, error::ErrorPage, event::EventDetail, events::EventList, key_form::KeyEditor,
        key_made::KeyMade, keys::KeyList, login::Login, members::MemberList, overview::Overview,
        poll_advice::PollAdvice, poll_cursor::PollCursor, poll_form::PollEditor, poll_runs::RunList,
        poll_templates::PollTemplates, provider_list::ProviderList, reauth::Reauth, requests::RequestList,
        source::SourceDetail, source_form::SourceEditor, sources::SourceList, start::Start,
    },
};

macro_rules! shown {
    ($($page:ident),+ $(,)?) => { [$(each::<$page>(stringify!($page))),+].concat() };
}

/// The name of each, such as `EventList, hostile`, and its HTML; empty where it could not be shown.
#[must_use]
pub fn shown() -> Vec<(String, String)> {
    shown![
        Account,
        AuditList,
        CallDetail,
        CallList,
        CheckPage,
        Confirm,
        ConnectionDetail,
        ConnectionEditor,
        ConnectionList,
        DeliveryList,
        DestinationDetail,
        DestinationEditor,
        DestinationList,
        ErrorPage,
        EventDetail,
        EventList,
        KeyEditor,
        KeyMade,
        KeyList,
        Login,
        MemberList,
        Overview,
        PollAdvice,
        PollCursor,
        PollEditor,
        PollTemplates,
        ProviderList,
        Reauth,
        RequestList,
        RunList,
        SourceDetail,
        SourceEditor,
        SourceList,
        Start,
    ]
}

fn each<P: Page + Sample>(page: &str) -> Vec<(String, String)> {
    let show = |(sample, model): (&str, P)| (format!("{page}, {sample}"), model.html().unwrap_or_default());
    P::samples().into_iter().map(show).collect()
}
