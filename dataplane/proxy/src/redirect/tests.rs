use super::*;

fn to(protocol: &str, host: &str, port: &str, path: &str, query: &str) -> Redirect {
    Redirect {
        status: 301,
        protocol: protocol.to_owned(),
        host: host.to_owned(),
        port: port.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    }
}

#[test]
fn where_to_is_made_from_the_request() {
    let request = Request::get("/a/b?x=1")
        .header("host", "app.example:8080")
        .body(())
        .expect("it is a request");
    let same = ["#{host}", "/#{path}", "#{query}"];
    let [host, path, query] = same;
    assert_eq!(
        location(&to("HTTPS", host, "443", path, query), 80, false, &request),
        "https://app.example:443/a/b?x=1"
    );
    assert_eq!(
        location(
            &to(
                "#{protocol}",
                "www.#{host}",
                "#{port}",
                "/new/#{path}/#{other}",
                ""
            ),
            80,
            true,
            &request
        ),
        "https://www.app.example:80/new/a/b/#{other}"
    );
}
