use super::*;

#[test]
fn messages_are_numbered_acknowledged_and_taken_once() {
    let (mut client, mut server) = (Channel::client(), Channel::server());
    let first = client.data(PayloadKind::Bytes, b"a".to_vec(), [1; 16]);
    let second = client.data(PayloadKind::Bytes, b"b".to_vec(), [2; 16]);
    let received = server.receive(&first, [9; 16]).unwrap();
    assert_eq!(received.message.unwrap().payload, b"a");
    let answer = Message::read(&received.answer.unwrap()).unwrap();
    let said: Acknowledge = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(said.acknowledged_message_sequence_number, 0);
    assert_eq!(
        said.acknowledged_message_id,
        "01010101-0101-0101-0101-010101010101"
    );
    assert_eq!(
        server
            .receive(&second, [9; 16])
            .unwrap()
            .message
            .unwrap()
            .sequence,
        1
    );
    let again = server.receive(&first, [9; 16]).unwrap();
    assert!(again.message.is_none(), "it was seen before");
    assert!(again.answer.is_some(), "but the other end does not know that yet");
    assert!(client.receive(&answer.write(), [9; 16]).unwrap().answer.is_none());
}
