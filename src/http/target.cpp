#include "http/target.h"

#include <algorithm>

#include "base/text.h"
#include "http/message.h"

namespace slipway::http {
namespace {

std::unexpected<Error> bad(std::string why) {
    return fail(ErrorCode::malformed, "bad request target: " + std::move(why));
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

// "http://host/path?query" to "/path?query"; the authority is not used, the server has one name space.
Result<std::string_view> strip_absolute(std::string_view raw) {
    const std::size_t colon = raw.find("://");
    if (colon == std::string_view::npos) return bad("it must begin with a slash");
    const std::string_view scheme = raw.substr(0, colon);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) {
        return bad("the scheme must be http or https");
    }
    raw.remove_prefix(colon + 3);
    const std::size_t end = std::min(raw.find_first_of("/?#"), raw.size());
    const std::string_view authority = raw.substr(0, end);
    if (authority.empty()) return bad("the host is empty");
    if (authority.find('@') != std::string_view::npos) return bad("user names are not allowed in it");
    return raw.substr(end);
}

}  // namespace

Status Target::parse(std::string_view raw) {
    segments_.clear();
    parameters_.clear();
    used_ = 0;
    trailing_slash_ = false;
    asterisk_ = raw == "*";
    if (asterisk_) return {};
    if (!raw.starts_with('/')) {
        const auto rest = strip_absolute(raw);
        if (!rest) return fail(rest.error());
        raw = *rest;
    }
    if (raw.find('#') != std::string_view::npos) return bad("a fragment is not allowed");
    // Decoding never makes text longer: nothing moves while views are handed out.
    if (text_.size() < raw.size()) text_.resize(raw.size());
    const std::size_t question = raw.find('?');
    if (const Status path = parse_path(raw.substr(0, question)); !path) return path;
    if (question == std::string_view::npos) return {};
    return parse_query(raw.substr(question + 1));
}

Status Target::parse_path(std::string_view path) {
    if (path.empty() || path == "/") return {};
    path.remove_prefix(1);
    if (path.ends_with('/')) {
        trailing_slash_ = true;
        path.remove_suffix(1);
    }
    for (;;) {
        const std::size_t slash = path.find('/');
        const auto segment = decode(path.substr(0, slash), false);
        if (!segment) return fail(segment.error());
        if (*segment == "." || *segment == "..") return bad("\".\" and \"..\" are not allowed as segments");
        segments_.push_back(*segment);
        if (slash == std::string_view::npos) return {};
        path.remove_prefix(slash + 1);
    }
}

Status Target::parse_query(std::string_view query) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = decode(pair.substr(0, equals), true);
        if (!name) return fail(name.error());
        const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!value) return fail(value.error());
        parameters_.emplace_back(*name, *value);
    }
    return {};
}

Result<std::string_view> Target::decode(std::string_view raw, bool in_query) {
    const std::size_t start = used_;
    bool ascii = true;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        char c = raw[i];
        if (c == '%') {
            const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
            const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
            if (high < 0 || low < 0) return bad("'%' must be followed by two hexadecimal digits");
            c = static_cast<char>(high * 16 + low);
            i += 2;
            if (!in_query && c == '/') return bad("an encoded slash is not allowed");
        } else if (static_cast<unsigned char>(c) >= 0x80) {
            return bad("bytes above 0x7f must be percent-encoded");
        } else if (in_query && c == '+') {
            c = ' ';
        }
        const auto byte = static_cast<unsigned char>(c);
        // A query value may carry line breaks and tabs (encoded); a path never does.
        const bool white = c == '\n' || c == '\r' || c == '\t';
        if (is_control(byte) && (!in_query || !white)) {
            return bad("control characters are not allowed");
        }
        ascii = ascii && byte < 0x80;
        text_[used_++] = c;
    }
    const std::string_view decoded(text_.data() + start, used_ - start);
    if (!ascii && !valid_utf8(decoded)) return bad("it is not UTF-8");
    return decoded;
}

std::optional<std::string_view> Target::query(std::string_view name) const {
    for (const Parameter& parameter : parameters_) {
        if (parameter.first == name) return parameter.second;
    }
    return std::nullopt;
}

}  // namespace slipway::http
