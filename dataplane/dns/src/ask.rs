//! Asking the running name server, as any client of it would.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use base_store::{Store, Table};
use contract::dns::{Answered, Ask, Head, ObservedDns, Question};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use crate::packet::UDP_BYTES_MAX;
use crate::serve::read_frame;
use crate::{data, name};

const OBSERVED: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
const ANSWER_WITHIN: Duration = Duration::from_secs(6);

/// Asks where the name server says that it listens.
pub struct Asker {
    pub store: Store,
}

#[async_trait]
impl Ask for Asker {
    async fn ask(&self, question: Question) -> Result<Answered, String> {
        let observed = self.store.snapshot().get(OBSERVED, Head::KEY);
        let Some(address) = observed.and_then(|observed| observed.address) else {
            return Err("The name server does not listen anywhere yet.".to_owned());
        };
        let message = message(&question)?;
        let answered = tokio::time::timeout(ANSWER_WITHIN, exchange(address, &message)).await;
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(format!("The name server did not answer: {error}.")),
            Err(_) => return Err("The name server did not answer in time.".to_owned()),
        };
        // Of a chain of names the records that were asked for count; all of them if there are none.
        let kind = message.queries[0].query_type;
        let asked: Vec<_> = answer
            .answers
            .iter()
            .filter(|record| record.record_type() == kind)
            .collect();
        let records = if asked.is_empty() {
            answer.answers.iter().collect()
        } else {
            asked
        };
        Ok(Answered {
            code: code_text(answer.metadata.response_code),
            records: records
                .into_iter()
                .map(|record| data::present(&record.data))
                .collect(),
        })
    }
}

fn message(question: &Question) -> Result<Message, String> {
    let kind =
        data::kind(&question.kind).ok_or_else(|| format!("{} is no type of records.", question.kind))?;
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.queries = vec![Query::query(name::to_name(&name::parse(&question.name)?), kind)];
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_BYTES_MAX);
    if let Some(client) = question.client {
        let subnet = ClientSubnet::new(client.network(), client.prefix_len(), 0);
        edns.options_mut().insert(EdnsOption::Subnet(subnet));
    }
    message.edns = Some(edns);
    Ok(message)
}

async fn exchange(address: SocketAddr, message: &Message) -> io::Result<Message> {
    let bytes = message.to_vec().map_err(io::Error::other)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect(address).await?;
    socket.send(&bytes).await?;
    let mut buffer = vec![0; usize::from(UDP_BYTES_MAX)];
    let answer = loop {
        let length = socket.recv(&mut buffer).await?;
        let answer = Message::from_vec(&buffer[..length]).map_err(io::Error::other)?;
        if answer.metadata.id == message.metadata.id {
            break answer;
        }
    };
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let mut stream = TcpStream::connect(address).await?;
    let mut framed = u16::try_from(bytes.len())
        .map_err(io::Error::other)?
        .to_be_bytes()
        .to_vec();
    framed.extend(bytes);
    stream.write_all(&framed).await?;
    let mut frame = Vec::new();
    read_frame(&mut stream, &mut frame).await?;
    Message::from_vec(&frame).map_err(io::Error::other)
}

/// As resolvers and Route 53 write it.
pub(crate) fn code_text(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => u16::from(other).to_string(),
    }
}
