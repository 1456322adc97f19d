// The URL of a server, as the command line takes it: what is accepted is written out and reads the same; its parts
// can stand in a request's head; credentials in it are refused without being repeated. And percent-encoding.
#include "fuzz/fuzz.h"
#include "net/http_client.h"

namespace slipway::fuzz {

void origins(std::string_view input) {
    const std::string encoded = net::percent_encode(input);
    check(encoded.find_first_of(" /?#&=+@:\"\\") == std::string::npos && harmless(encoded),
          "nothing unsafe is left", encoded);
    const auto origin = net::Origin::parse(input);
    if (!origin) {
        check(origin.error().code == ErrorCode::invalid_argument, "a wrong URL is the user's mistake");
        check(!origin.error().message.contains(kCanary), "no error repeats the URL", origin.error().message);
        return;
    }
    check(origin->port != 0 && !origin->host.empty(), "a place is whole", input);
    for (const char c : origin->host + origin->base) {
        check(c > ' ' && c < 0x7f, "host and path can stand in a request's head", origin->host + origin->base);
    }
    check(!origin->base.ends_with('/'), "a path prefix ends without a slash", origin->base);
    const auto again = net::Origin::parse(origin->url());
    check(again.has_value(), "what was accepted is accepted when it is written out", origin->url());
    check(again->host == origin->host && again->port == origin->port && again->base == origin->base,
          "and means the same", origin->url());
    check(again->loopback() == origin->loopback(), "in every respect", origin->url());
}

}  // namespace slipway::fuzz
