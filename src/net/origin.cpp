#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "net/http_client.h"

namespace slipway::net {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

std::unexpected<Error> bad_url(std::string why) {
    return fail(ErrorCode::invalid_argument,
                "the server's URL " + std::move(why) + "; write http://HOST:PORT or https://HOST:PORT");
}

// The host stands in the head of every request, and boost::urls decodes it: "a%0d%0aX%3a" must not get there.
bool usable_host(const boost::urls::url_view& url) {
    const auto type = url.host_type();
    if (type == boost::urls::host_type::ipv4 || type == boost::urls::host_type::ipv6) return true;
    const std::string name = url.host_address();
    return type == boost::urls::host_type::name && !name.empty() &&
           std::ranges::all_of(name, [](char c) { return unreserved(c) && c != '~'; });
}

}  // namespace

Result<Origin> Origin::parse(std::string_view url) {
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
    if (!parsed) return bad_url("cannot be read");
    const bool https = parsed->scheme() == "https";
    if (!https && parsed->scheme() != "http") return bad_url("is neither of http nor of https");
    if (parsed->has_userinfo()) return bad_url("holds credentials, which do not belong there");
    if (parsed->has_query() || parsed->has_fragment()) return bad_url("has a query or a fragment");
    if (parsed->host_address().empty()) return bad_url("has no host");
    if (!usable_host(*parsed)) return bad_url("has a host that is neither a name nor an address");
    Origin origin;
    origin.host = parsed->host_address();
    origin.https = https;
    origin.port = https ? kHttpsPort : kHttpPort;
    if (parsed->has_port() && !parsed->port().empty()) {
        const std::string text(parsed->port());
        const auto read = std::from_chars(text.data(), text.data() + text.size(), origin.port);
        const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
        if (!whole || origin.port == 0) return bad_url("has no usable port");
    }
    origin.base = std::string(parsed->encoded_path());
    // boost::urls takes what follows an address in brackets for a path.
    if (!origin.base.empty() && origin.base.front() != '/') return bad_url("cannot be read");
    while (origin.base.ends_with('/')) origin.base.pop_back();
    return origin;
}

std::string Origin::url() const {
    const bool ipv6 = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}{}", https ? "https" : "http", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port,
                       base);
}

bool Origin::loopback() const {
    boost::system::error_code not_an_address;
    const auto address = boost::asio::ip::make_address(host, not_an_address);
    if (!not_an_address) return address.is_loopback();
    return host == "localhost" || host.ends_with(".localhost");
}

std::string percent_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (unreserved(c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

}  // namespace slipway::net
