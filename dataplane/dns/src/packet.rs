//! Packets: what of a question is answered at all, how large an answer may be, and how it is written.

use std::net::Ipv4Addr;

use contract::dns::Change;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, RecordType};

use crate::answer::{Answer, Asker, Known, Outcome, answer};
use crate::policy::Chance;

pub(crate) const HEADER_BYTES: usize = 12;
/// Of an answer by UDP, whatever the asker says that it could take: larger ones are lost as fragments.
pub(crate) const UDP_BYTES_MAX: u16 = 1232;
/// Of an answer by UDP to an asker that says nothing (RFC 1035, 4.2.1).
const UDP_BYTES_UNSAID: u16 = 512;
/// Types of questions that are no types of records: 251 IXFR to 254 MAILA; ANY is 255.
const TRANSFERS: std::ops::RangeInclusive<u16> = 249..=254;

/// Zones without a server around them.
pub struct Zones(Known);

impl Zones {
    pub fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        let mut known = Known::default();
        changes.into_iter().for_each(|change| known.table.apply(change));
        Self(known)
    }
}

/// The way of a packet without sockets, for whoever wants to try any packet at all: what is sent back, if anything, to
/// the machine itself while nobody else can be asked.
pub fn answer_packet(bytes: &[u8], zones: &Zones, tcp: bool) -> Option<Vec<u8>> {
    let transport = if tcp { Transport::Tcp } else { Transport::Udp };
    let asker = Asker {
        network: None,
        region: String::new(),
        local: Ipv4Addr::LOCALHOST,
    };
    match reply(bytes, &zones.0, &asker, true, transport, &mut |_| 0) {
        Reply::Nothing => None,
        Reply::Send(answer) => Some(answer),
        Reply::Ask(asking) => Some(asking.request.error(ResponseCode::ServFail)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// What becomes of a packet.
#[derive(Debug)]
pub(crate) enum Reply {
    Nothing,
    Send(Vec<u8>),
    /// Somebody else must be asked first.
    Ask(Box<Asking>),
}

#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) request: Request,
    pub(crate) question: Query,
    /// What is known of the answer already: aliases that lead to the question.
    pub(crate) begun: Option<Answer>,
}

/// A question that can be answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    id: u16,
    pub(crate) question: Query,
    pub(crate) recursion_desired: bool,
    pub(crate) checking_disabled: bool,
    pub(crate) edns: Option<Edns>,
    recursion_offered: bool,
    bytes_max: u16,
}

/// `recursion` is whether this asker may have others asked.
pub(crate) fn reply(
    bytes: &[u8],
    known: &Known,
    asker: &Asker,
    recursion: bool,
    transport: Transport,
    chance: &mut Chance<'_>,
) -> Reply {
    let request = match read(bytes, recursion, transport) {
        Ok(request) => request,
        Err(reply) => return reply.map_or(Reply::Nothing, Reply::Send),
    };
    let question = &request.question;
    match answer(known, asker, &question.name, question.query_type, chance) {
        Outcome::Elsewhere if recursion && request.recursion_desired => {
            let question = question.clone();
            Reply::Ask(Box::new(Asking {
                request,
                question,
                begun: None,
            }))
        }
        Outcome::Elsewhere => Reply::Send(request.error(ResponseCode::Refused)),
        Outcome::Answer(mut answer) => match answer
            .rest
            .take()
            .filter(|_| recursion && request.recursion_desired)
        {
            Some(name) => {
                let question = Query::query(name, question.query_type);
                Reply::Ask(Box::new(Asking {
                    request,
                    question,
                    begun: Some(answer),
                }))
            }
            None => Reply::Send(request.write(answer)),
        },
    }
}

/// The error is what to send instead of an answer, if anything.
fn read(bytes: &[u8], recursion: bool, transport: Transport) -> Result<Request, Option<Vec<u8>>> {
    // Too short to be answered, or an answer itself: whoever answers answers can be set upon others.
    if bytes.len() < HEADER_BYTES || bytes[2] & 0x80 != 0 {
        return Err(None);
    }
    if bytes[2] & 0x78 != 0 {
        return Err(Some(header_alone(bytes, ResponseCode::NotImp)));
    }
    if bytes[4..6] != [0, 1] || !is_written_out(&bytes[HEADER_BYTES..]) {
        return Err(Some(header_alone(bytes, ResponseCode::FormErr)));
    }
    let Ok(mut message) = Message::from_vec(bytes) else {
        return Err(Some(header_alone(bytes, ResponseCode::FormErr)));
    };
    let Some(question) = message.queries.pop() else {
        return Err(Some(header_alone(bytes, ResponseCode::FormErr)));
    };
    let said = message
        .edns
        .as_ref()
        .map_or(UDP_BYTES_UNSAID, |edns| edns.max_payload());
    let request = Request {
        id: message.metadata.id,
        recursion_desired: message.metadata.recursion_desired,
        checking_disabled: message.metadata.checking_disabled,
        recursion_offered: recursion,
        bytes_max: match transport {
            Transport::Udp => said.clamp(UDP_BYTES_UNSAID, UDP_BYTES_MAX),
            Transport::Tcp => u16::MAX,
        },
        edns: message.edns,
        question,
    };
    let kind = u16::from(request.question.query_type);
    if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        Err(Some(request.error(ResponseCode::BADVERS)))
    } else if request.question.query_class != DNSClass::IN || TRANSFERS.contains(&kind) {
        Err(Some(request.error(ResponseCode::Refused)))
    } else if kind == 0 || request.question.query_type == RecordType::OPT {
        Err(Some(request.error(ResponseCode::FormErr)))
    } else {
        Ok(request)
    }
}

/// Nothing is before the first name that it could point to; and the answer repeats it in full.
fn is_written_out(mut name: &[u8]) -> bool {
    loop {
        match name {
            [0, ..] => return true,
            [length @ 1..=63, rest @ ..] if rest.len() >= usize::from(*length) => {
                name = &rest[usize::from(*length)..];
            }
            _ => return false,
        }
    }
}

/// The answer to a packet whose question could not be read: never longer than it.
fn header_alone(request: &[u8], code: ResponseCode) -> Vec<u8> {
    let mut answer = vec![0; HEADER_BYTES];
    answer[..2].copy_from_slice(&request[..2]);
    // The kind of request and the wish for recursion are repeated.
    answer[2] = 0x80 | (request[2] & 0x79);
    answer[3] = code.low();
    answer
}

impl Request {
    pub(crate) fn error(&self, code: ResponseCode) -> Vec<u8> {
        self.write(Answer {
            code: Some(code),
            ..Answer::default()
        })
    }

    pub(crate) fn write(&self, answer: Answer) -> Vec<u8> {
        let mut message = self.message(answer.code.unwrap_or(ResponseCode::NoError));
        message.metadata.authoritative = answer.authoritative;
        message.answers = answer.answers;
        message.authorities = answer.authority;
        message.additionals = answer.additional;
        self.fit(message)
    }

    /// What somebody else has answered.
    pub(crate) fn relay(&self, from: Message, begun: Option<Answer>) -> Vec<u8> {
        let mut message = self.message(from.metadata.response_code);
        message.metadata.truncation = from.metadata.truncation;
        message.metadata.authentic_data = from.metadata.authentic_data && begun.is_none();
        message.metadata.checking_disabled = self.checking_disabled;
        message.answers = begun.map(|begun| begun.answers).unwrap_or_default();
        message.answers.extend(from.answers);
        message.authorities = from.authorities;
        message.additionals = from.additionals;
        self.fit(message)
    }

    fn message(&self, code: ResponseCode) -> Message {
        let mut message = Message::new(self.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = self.recursion_desired;
        message.metadata.recursion_available = self.recursion_offered;
        message.metadata.response_code = code;
        message.queries = vec![self.question.clone()];
        message.edns = self.edns.as_ref().map(|asked| {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_BYTES_MAX);
            edns.set_dnssec_ok(asked.flags().dnssec_ok);
            // Answers do not depend on it: a scope of 0 (RFC 7871, 7.2.1).
            if let Some(EdnsOption::Subnet(subnet)) = asked.option(EdnsCode::Subnet) {
                let subnet = ClientSubnet::new(subnet.addr(), subnet.source_prefix(), 0);
                edns.options_mut().insert(EdnsOption::Subnet(subnet));
            }
            edns
        });
        message
    }

    /// What does not fit is left out: first what only helps, then everything, with the mark to come back by TCP.
    fn fit(&self, mut message: Message) -> Vec<u8> {
        if let Some(bytes) = self.written(&message) {
            return bytes;
        }
        message.additionals.clear();
        if let Some(bytes) = self.written(&message) {
            return bytes;
        }
        message.answers.clear();
        message.authorities.clear();
        message.metadata.truncation = true;
        if let Some(bytes) = self.written(&message) {
            return bytes;
        }
        message.edns = None;
        self.written(&message).unwrap_or_default()
    }

    fn written(&self, message: &Message) -> Option<Vec<u8>> {
        message
            .to_vec()
            .ok()
            .filter(|bytes| bytes.len() <= usize::from(self.bytes_max))
    }
}

#[cfg(test)]
mod tests;
