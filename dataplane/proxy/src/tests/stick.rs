//! Clients that stay with their target.

use super::*;

/// The name that the application says, and the cookies that came along.
async fn ask(proxy: &Running, cookie: Option<&str>) -> (String, Vec<String>) {
    let mut stream = TcpStream::connect(format!("127.0.0.2:{}", proxy.port))
        .await
        .unwrap();
    let cookie = cookie.map_or(String::new(), |it| format!("Cookie: other=1; {it}\r\n"));
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{cookie}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let set = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    (
        body.split(' ').next().unwrap().to_owned(),
        set.map(str::to_owned).collect(),
    )
}

async fn sticky(cookie: StickyCookie) -> (Running, App, App) {
    let proxy = start().await;
    let (a, b) = (app("a", Duration::ZERO).await, app("b", Duration::ZERO).await);
    let mut table = table(1, proxy.port, &[(a.address, false), (b.address, false)]);
    table.target_groups[0].stickiness = Some(Stickiness {
        cookie,
        duration_seconds: 60,
    });
    assert!(proxy.state.apply(table));
    proxy.until_healthy(2).await;
    // The listener is open.
    proxy.get().await;
    (proxy, a, b)
}

#[tokio::test]
async fn the_load_balancers_own_cookie_leads_back() {
    let (proxy, a, b) = sticky(StickyCookie::Own).await;
    let (name, set) = ask(&proxy, None).await;
    let own = set.iter().find(|it| it.starts_with("AWSALB=")).unwrap();
    assert!(own.ends_with("; Max-Age=60; Path=/"), "{own}");
    assert!(
        set.iter()
            .any(|it| it.starts_with("AWSALBCORS=") && it.ends_with("SameSite=None"))
    );
    let cookie = own.split(';').next().unwrap();
    for _ in 0..6 {
        assert_eq!(ask(&proxy, Some(cookie)).await.0, name);
    }
    // When its target is ill the client goes elsewhere, and is told so.
    let ill = if name == "a" { &a } else { &b };
    ill.sick.store(true, Ordering::SeqCst);
    proxy.until_healthy(1).await;
    let (other, set) = ask(&proxy, Some(cookie)).await;
    assert_ne!(other, name);
    assert!(!set.iter().any(|it| it.starts_with(cookie)));
    // Whoever makes one up is nobody's.
    assert_eq!(ask(&proxy, Some("AWSALB=0")).await.0, other);
}

#[tokio::test]
async fn the_applications_cookie_begins_it() {
    let (proxy, ..) = sticky(StickyCookie::Application("session".into())).await;
    let (name, set) = ask(&proxy, None).await;
    let beside = set.iter().find(|it| it.starts_with("AWSALBAPP-0=")).unwrap();
    let cookie = beside.split(';').next().unwrap();
    for _ in 0..6 {
        assert_eq!(ask(&proxy, Some(cookie)).await.0, name);
    }
    let (other, ..) = sticky(StickyCookie::Application("cart".into())).await;
    let (_, set) = ask(&other, None).await;
    assert_eq!(
        set,
        ["session=1; Path=/"],
        "the application has not set that cookie"
    );
}
