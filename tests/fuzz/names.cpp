// The forms in which clients name a Redis instance. First line: an instance's name; second: its password; the rest:
// any text. However the real client cuts the URL up, the name that is found in it is the instance's, and nothing of
// the password is.
#include "faces/redis/names.h"

#include <algorithm>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "base/secret.h"
#include "faces/url.h"
#include "fuzz/fuzz.h"
#include "http/message.h"
#include "net/http_client.h"

namespace slipway::fuzz {
namespace {

// Names are made by the broker: a prefix from the configuration and what it draws.
std::string name_of(std::string_view text) {
    std::string name(text.substr(0, 63));
    std::ranges::replace_if(
        name, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'; }, 'x');
    return name.empty() ? "oct-0" : name;
}

// As clients of the original do: "redis://" cut off, and everything from the first dot on.
std::string cut(std::string url) {
    url.erase(0, std::string_view("redis://").size());
    return url.substr(0, url.find('.'));
}

void check_finds(std::string_view form, const std::string& name) {
    check(faces::instance_name(form) == name, "the name is found", form);
}

void check_any(std::string_view text) {
    const std::string_view found = faces::instance_name(text);
    check(
        found.empty() || (found.data() >= text.data() && found.data() + found.size() <= text.data() + text.size()),
        "the answer is a view into the text", text);
    check(found.size() <= 128 && found.find_first_of("@.:/") == std::string_view::npos,
          "a name is bounded and plain", found);
    check(faces::instance_name(found) == found, "a name names itself", found);
    const std::size_t at = text.rfind('@');
    check(at == std::string_view::npos || found.empty() || found.data() > text.data() + at,
          "nothing before the last @ is taken", text);
}

}  // namespace

void names(std::string_view input) {
    const auto lines = split(input, "\n", 3);
    const std::string name = name_of(lines[0]);
    const std::string password(lines.size() > 1 ? lines[1] : "");
    const std::string rest(lines.size() > 2 ? lines[2] : "");
    check_any(input);
    check_any(rest);
    const Endpoint endpoint{"redis", name + ".localhost", 20'000};
    const std::string url = faces::url_of(endpoint, Secret(password));
    const auto parsed = boost::urls::parse_uri(url);
    check(parsed.has_value(), "the URL is one", url);
    check(parsed->user() == "default" && parsed->password() == password, "the URL gives the password back", url);
    check(parsed->host() == endpoint.host && parsed->port_number() == endpoint.port, "and the place", url);
    check_finds(name, name);
    check_finds(url, name);
    check_finds(cut(url), name);
    check_finds("default:" + password + "@" + name, name);
    check_finds("arn:aws:elasticache:us-west-2:1:cluster:" + name, name);
    check_finds(faces::url_of(endpoint, std::nullopt), name);
    check_finds(cut(faces::url_of(endpoint, std::nullopt)), name);
    // What stands in a path comes through the target's rules first.
    const std::string form = cut(url);
    const auto request = http::make_request(http::Method::get, "/v1/redis/url/" + net::percent_encode(form));
    check(request.has_value() && request->path().size() == 4, "an encoded form is one segment", form);
    check_finds(request->path()[3], name);
}

}  // namespace slipway::fuzz
