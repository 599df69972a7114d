//! Against the server of the local cloud's own sessions, with a program that is none.

use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_id::SequentialIds;
use bytes::Bytes;
use contract::exec::{
    Exec, ExecError, ExecInput, ExecOutput, ExecRequest, ExecSession as Running, Gone, Sessions,
};
use futures::channel::mpsc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::exec::TerminalSize;

/// One session, `one` with the token `secret`, in which what is typed is printed; it ends with 7 after `bye`, and
/// with 0 at the second end of input.
#[derive(Default)]
struct Fake {
    size: Mutex<Option<(u16, u16)>>,
    /// Whether the program has ended.
    ended: Arc<Mutex<bool>>,
}

impl Sessions for Fake {
    fn join(&self, session: &str, token: &str) -> Option<ExecRequest> {
        (session == "one" && token == "secret").then(|| ExecRequest {
            task: "t".into(),
            container: "web".into(),
            arguments: vec!["cat".into()],
            environment: vec![],
            terminal: None,
            user: None,
            working_directory: None,
        })
    }
}

#[async_trait]
impl Exec for Fake {
    async fn exec(&self, request: ExecRequest) -> Result<Running, ExecError> {
        *self.size.lock().unwrap() = request.terminal.map(|it| (it.columns, it.rows));
        // As small as can be: whoever waits for one side before looking at the other waits for ever.
        let (input, mut typed) = mpsc::channel(0);
        let (mut printed, output) = mpsc::channel(0);
        let ended = Arc::clone(&self.ended);
        tokio::spawn(async move {
            let mut ends = 0;
            let mut code = 0;
            while let Some(one) = typed.next().await {
                match one {
                    ExecInput::Bytes(bytes) if &bytes[..] == b"bye" => {
                        code = 7;
                        break;
                    }
                    ExecInput::Bytes(bytes) if bytes.contains(&4) => ends += 1,
                    ExecInput::Bytes(bytes) => {
                        let _ = printed.send(ExecOutput::Stdout(bytes)).await;
                    }
                    ExecInput::Resize(_) | ExecInput::End => {}
                }
                if ends == 2 {
                    break;
                }
            }
            *ended.lock().unwrap() = true;
            let _ = printed.send(ExecOutput::Exited(code)).await;
        });
        Ok(Running {
            input: Box::pin(input.sink_map_err(|_| Gone)),
            output: Box::pin(output),
        })
    }
}

fn router(fake: &Arc<Fake>) -> axum::Router {
    front_session::router(front_session::Parts {
        sessions: fake.clone(),
        exec: fake.clone(),
        ids: Arc::new(SequentialIds::default()),
    })
}

async fn serve(fake: &Arc<Fake>) -> ExecSession {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(fake);
    tokio::spawn(async move { axum::serve(listener, router).await });
    session(&format!("ws://{address}"), "secret")
}

fn session(place: &str, token: &str) -> ExecSession {
    ExecSession {
        id: "one".to_owned(),
        url: format!("{place}/v1/data-channel/one?role=publish_subscribe"),
        token: token.to_owned(),
    }
}

fn typed(text: &'static str) -> Typed {
    Typed::Bytes(Bytes::from(text))
}

/// What was printed, and how it ended; `wait` until so many bytes came before the rest is typed.
async fn run(
    session: &ExecSession,
    first: Vec<Typed>,
    wait: usize,
    then: Vec<Typed>,
) -> (Vec<u8>, Result<ExecEnd, Failure>) {
    let (mut more, input) = mpsc::channel(0);
    let (seen, mut count) = tokio::sync::watch::channel(0);
    let mut printed = Vec::new();
    let mut print = |it: Printed<'_>| {
        let (Printed::Stdout(bytes) | Printed::Stderr(bytes)) = it;
        printed.extend_from_slice(bytes);
        seen.send_replace(printed.len());
        true
    };
    let typing = tokio::spawn(async move {
        for one in first {
            more.send(one).await.unwrap();
        }
        count.wait_for(|count| *count >= wait).await.unwrap();
        for one in then {
            more.send(one).await.unwrap();
        }
        pending::<()>().await;
    });
    let joined = timeout(Duration::from_secs(60), join(session, None, input, &mut print)).await;
    typing.abort();
    (printed, joined.expect("it went on for ever"))
}

#[tokio::test]
async fn what_is_typed_is_printed_until_the_program_ends() {
    let fake = Arc::new(Fake::default());
    let session = serve(&fake).await;
    let size = Typed::Resize(TerminalSize {
        columns: 132,
        rows: 50,
    });
    let (printed, end) = run(&session, vec![size, typed("hello")], 5, vec![typed("bye")]).await;
    assert_eq!(printed, b"hello");
    assert_eq!(end.unwrap(), ExecEnd::Exited(7));
    assert_eq!(
        *fake.size.lock().unwrap(),
        Some((132, 50)),
        "it began with this size"
    );
}

#[tokio::test]
async fn the_end_of_input_is_told_until_it_is_heard() {
    let session = serve(&Arc::new(Fake::default())).await;
    let (printed, end) = run(&session, vec![typed("a\n"), Typed::End], 0, vec![]).await;
    assert_eq!((printed, end.unwrap()), (b"a\n".to_vec(), ExecEnd::Exited(0)));
}

#[tokio::test]
async fn much_goes_to_and_fro_at_once() {
    let session = serve(&Arc::new(Fake::default())).await;
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let first = vec![Typed::Bytes(piece.clone()); 128];
    let (printed, end) = run(&session, first, 128 * piece.len(), vec![typed("bye")]).await;
    assert_eq!(end.unwrap(), ExecEnd::Exited(7));
    assert_eq!(printed.len(), 128 * piece.len());
}

#[tokio::test]
async fn who_leaves_takes_the_program_along() {
    let fake = Arc::new(Fake::default());
    let session = serve(&fake).await;
    let (_, end) = run(&session, vec![typed("hello")], 5, vec![Typed::Leave]).await;
    assert_eq!(end.unwrap(), ExecEnd::Left);
    for _ in 0..100 {
        if *fake.ended.lock().unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the program goes on");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let mut session = serve(&Arc::new(Fake::default())).await;
    session.token = "guess".to_owned();
    let (_, end) = run(&session, vec![], 0, vec![]).await;
    assert_eq!(
        end.unwrap_err().to_string(),
        "the session failed: the session is not there, was joined before, or its token is wrong"
    );
    let (_, end) = run(
        &super::tests::session("ws://127.0.0.1:1", "secret"),
        vec![],
        0,
        vec![],
    )
    .await;
    let failure = end.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    assert_eq!(
        failure.to_string(),
        "the session at ws://127.0.0.1:1/v1/data-channel/one cannot be joined: Connection refused (os error 111)"
    );
    let (_, end) = run(
        &super::tests::session("http://127.0.0.1:1", "secret"),
        vec![],
        0,
        vec![],
    )
    .await;
    assert!(end.unwrap_err().to_string().ends_with("neither ws:// nor wss://"));
}

/// Certificates that `openssl` makes in a folder: `authority.pem`, and `server.pem` with `server.key` for localhost.
fn make_certificates(folder: &Path) {
    let script = "
        new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        openssl req -x509 $new -days 2 -subj '/CN=authority' -keyout authority.key -out authority.pem
        openssl req $new -subj '/CN=localhost' -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > extensions
        openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
            -extfile extensions -out server.pem";
    let made = Command::new("bash")
        .args(["-euc", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn over_tls_only_to_who_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let file = |name: &str| folder.path().join(name);
    // The provider is named, as the client names it: two may be built in.
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(file("server.key")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = router(&Arc::new(Fake::default()));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let builder =
                    hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                let _ = builder
                    .serve_connection_with_upgrades(hyper_util::rt::TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    let session = session(&format!("wss://localhost:{port}"), "secret");
    let bye = || futures::stream::iter([typed("bye")]).chain(futures::stream::pending());
    let mut print = |_: Printed<'_>| true;
    let bundle = file("authority.pem");
    let trusted = join(&session, Some(&bundle), bye(), &mut print).await;
    assert_eq!(trusted.unwrap(), ExecEnd::Exited(7));
    let refused = join(&session, None, bye(), &mut print).await.unwrap_err();
    assert!(
        refused.to_string().contains("invalid peer certificate"),
        "{refused}"
    );
}
