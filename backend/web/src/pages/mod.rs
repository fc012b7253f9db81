//! The dashboard: pages and forms for people.
//!
//! A page is a pure function of its URL and of who looks at it; a form is a POST that ends in a redirect, or in the same
//! page with what is wrong. Handlers read through the store, change through the verbs of the pipeline that the API uses
//! too, and fill a view-model of `postern_frontend`. Start at [`answer`] for what an answer is made with, and at
//! [`posted`] for what a form must bring along.

mod account;
mod answer;
mod asset;
mod audit;
mod call;
mod call_list;
mod config_rows;
mod connection;
mod connection_form;
mod delivery;
mod destination;
mod destination_form;
mod destination_queue;
mod event;
mod event_curl;
mod event_list;
mod event_panel;
mod event_steps;
mod event_words;
mod export;
mod generic;
mod generic_inputs;
mod halt;
mod key;
mod list;
mod live;
mod login;
mod member;
mod overview;
mod overview_chart;
mod overview_figures;
mod poll;
mod poll_advice;
mod poll_cursor;
mod poll_fields;
mod poll_form;
mod poll_inputs;
mod poll_run;
mod poll_secrets;
mod poll_tried;
mod poll_words;
mod posted;
mod provider_list;
mod request_list;
mod root;
mod rows;
mod sender;
mod source;
mod source_check;
mod source_config;
mod source_form;
mod source_more;
mod source_schedule;
mod start;
mod step_up;

use actix_web::web::ServiceConfig;

pub use halt::Halt;
pub use live::Live;
pub(crate) use provider_list::title as category_title;
pub(crate) use sender::answer_words;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.configure(root::routes).configure(asset::routes).configure(login::routes);
    config.configure(account::routes).configure(step_up::routes);
    config.configure(key::routes).configure(member::routes).configure(audit::routes);
    config
        .configure(poll::routes)
        .configure(source::routes)
        .configure(destination::routes)
        .configure(connection::routes);
    config.configure(start::routes);
    config.configure(overview::routes).configure(event_list::routes).configure(event::routes);
    config.configure(request_list::routes).configure(delivery::routes).configure(call::routes);
}
