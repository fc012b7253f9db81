//! Ends connections whose sender never ends the body.
//!
//! Once nobody holds what is left of a chunked body, actix reads on and throws away for as long as the sender likes,
//! with no deadline: anybody could keep connections open for ever. While it is held, actix closes after the answer, as
//! it does with a body of announced length. So it is held until the answer is out.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header,
    web::Bytes,
};
use futures_util::Stream;

/// What is left of a request's body.
pub(crate) type Held = Rc<RefCell<Payload>>;

/// Gives the request's body to the handler, and to the caller a hold on it. Only a chunked body needs one.
pub(crate) fn hold(request: &mut ServiceRequest) -> Option<Held> {
    request.headers().contains_key(header::TRANSFER_ENCODING).then(|| {
        let held = Rc::new(RefCell::new(request.take_payload()));
        request.set_payload(Payload::Stream { payload: Box::pin(Shared(Rc::clone(&held))) });
        held
    })
}

/// What the handler reads from.
struct Shared(Held);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// The body of an answer, and with it what is left of the request's.
pub(crate) struct Answering<B> {
    body: Pin<Box<B>>,
    _unread: Held,
}

impl<B: MessageBody> Answering<B> {
    pub(crate) fn new(body: B, unread: Held) -> Self {
        Self { body: Box::pin(body), _unread: unread }
    }
}

impl<B: MessageBody> MessageBody for Answering<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.body.as_mut().poll_next(context)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        // The bytes alone would let go of what is held.
        Err(self)
    }
}
