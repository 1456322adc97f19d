#include "http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "http/request_access.h"

namespace slipway::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

std::string_view std_view(View text) { return {text.data(), text.size()}; }

// "GET / HTTP/2.0" is another version (505), "GET / FOO" is no HTTP at all (400).
bool names_a_version(std::string_view head) {
    const std::string_view line = head.substr(0, head.find('\r'));
    const std::size_t space = line.rfind(' ');
    const std::string_view version = space == std::string_view::npos ? "" : line.substr(space + 1);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return version.size() == 8 && version.starts_with("HTTP/") && digit(version[5]) && version[6] == '.' &&
           digit(version[7]);
}

Refusal refusal_of(const error_code& error, std::string_view head) {
    using beast_http::error;
    if (error == error::bad_version && names_a_version(head)) {
        return {505, "this server speaks HTTP/1.1 and HTTP/1.0"};
    }
    if (error == error::bad_content_length || error == error::multiple_content_length) {
        return {400, "bad request: wrong or conflicting Content-Length"};
    }
    if (error == error::bad_transfer_encoding) return {400, "bad request: conflicting Transfer-Encoding"};
    if (error == error::bad_method) return {400, "bad request: wrong method"};
    if (error == error::bad_target) return {400, "bad request: wrong request target"};
    if (error == error::bad_field) return {400, "bad request: wrong header name"};
    return {400, "bad request: not HTTP/1.1"};
}

}  // namespace

// What Beast's parser calls back. Field views point into the head that the request keeps.
class RequestParser::Beast final : public beast_http::basic_parser<true> {
  public:
    explicit Beast(Request& into) : into_(into) {}

    Request& into_;
    std::string* body_ = nullptr;
    std::string_view target_;
    std::string_view host_;
    std::optional<Method> method_;
    int version_ = 11;
    int hosts_ = 0;
    int lengths_ = 0;
    int codings_ = 0;
    bool coding_is_chunked_ = true;

  private:
    void on_request_impl(beast_http::verb, View method, View target, int version, error_code&) override {
        method_ = http::parse_method(std_view(method));  // Beast's base class has one too
        target_ = std_view(target);
        version_ = version;
    }
    void on_response_impl(int, View, int, error_code&) override {}
    void on_field_impl(beast_http::field name, View name_text, View value, error_code&) override {
        // Fields of a trailer must not be taken for fields of the head (RFC 9110 6.5.1).
        if (in_body_) return;
        if (name == beast_http::field::host) {
            ++hosts_;
            host_ = std_view(value);
        } else if (name == beast_http::field::content_length) {
            ++lengths_;
            if (value.find(',') != View::npos) ++lengths_;
        } else if (name == beast_http::field::transfer_encoding) {
            ++codings_;
            coding_is_chunked_ = equal_ignoring_case(std_view(value), "chunked");
        }
        RequestAccess::add_field(into_, std_view(name_text), std_view(value));
    }
    void on_header_impl(error_code&) override { in_body_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(View bytes, error_code&) override { return take(bytes); }
    // Beast takes control characters in a quoted value, RFC 9110 (5.6.4) does not.
    void on_chunk_header_impl(std::uint64_t, View extensions, error_code& error) override {
        const auto control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
        if (std::ranges::any_of(extensions, control)) error = beast_http::error::bad_chunk_extension;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, View bytes, error_code&) override { return take(bytes); }
    void on_finish_impl(error_code&) override {}

    std::size_t take(View bytes) {
        if (body_ != nullptr) body_->append(bytes.data(), bytes.size());
        return bytes.size();
    }

    bool in_body_ = false;
};

struct RequestParser::State {
    std::optional<Beast> parser;
};

namespace {

bool plausible_host(std::string_view host) {
    return host.find_first_of(" \t,/?#@\\\"<>") == std::string_view::npos &&
           std::ranges::all_of(host, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

RequestParser::RequestParser() : state_(std::make_unique<State>()) {}
RequestParser::~RequestParser() = default;

std::optional<Refusal> RequestParser::parse_head(std::string_view head, Request& into) {
    head = RequestAccess::keep_head(into, head);
    Beast& parser = state_->parser.emplace(into);
    parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));  // the scanner has applied ours
    parser.body_limit(boost::none);
    parser.eager(false);
    error_code error;
    const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
    if (error) return refusal_of(error, head);
    if (used != head.size() || !parser.is_header_done()) return Refusal{400, "bad request: not HTTP/1.1"};

    if (parser.lengths_ > 1) return Refusal{400, "bad request: more than one Content-Length"};
    if (parser.codings_ > 0 && parser.version_ < 11) {
        return Refusal{400, "bad request: Transfer-Encoding is not part of HTTP/1.0"};
    }
    if (parser.codings_ > 1 || (parser.codings_ == 1 && parser.lengths_ > 0)) {
        return Refusal{400, "bad request: conflicting Transfer-Encoding"};
    }
    if (!parser.coding_is_chunked_) return Refusal{501, "no transfer coding but chunked is supported"};
    if (parser.hosts_ > 1 || !plausible_host(parser.host_)) return Refusal{400, "bad request: wrong Host"};
    if (parser.hosts_ == 0 && parser.version_ >= 11) return Refusal{400, "bad request: Host is missing"};
    if (!parser.method_) return Refusal{501, "this server does not know that method"};
    into.method = *parser.method_;
    if (const Status target = RequestAccess::target(into).parse(parser.target_); !target) {
        return Refusal{400, target.error().message};
    }
    return std::nullopt;
}

bool RequestParser::has_body() const { return !state_->parser->is_done(); }

bool RequestParser::chunked() const { return state_->parser->chunked(); }

std::optional<std::uint64_t> RequestParser::content_length() const {
    const auto length = state_->parser->content_length();
    return length ? std::optional(*length) : std::nullopt;
}

bool RequestParser::keep_alive() const { return state_->parser->keep_alive(); }

bool RequestParser::version_1_1() const { return state_->parser->version_ >= 11; }

void RequestParser::forget() { state_->parser.reset(); }

std::optional<Method> RequestParser::method() const {
    return state_->parser ? state_->parser->method_ : std::nullopt;
}

void RequestParser::limit_body(std::uint64_t bytes) {
    state_->parser->body_limit(bytes);
    state_->parser->eager(true);
}

RequestParser::Fed RequestParser::feed(std::string_view input, std::string* body) {
    Beast& parser = *state_->parser;
    if (parser.is_done()) return {.used = 0, .state = BodyState::complete};
    // The end of a chunked body, "0 CR LF CR LF", is only ever taken whole: while it is not there, less than five
    // bytes cannot finish anything, and Beast's parser takes five for granted.
    if (input.empty() || (parser.chunked() && input.size() < 5)) return {};
    parser.body_ = body;
    error_code error;
    const std::size_t used = parser.put(boost::asio::const_buffer(input.data(), input.size()), error);
    parser.body_ = nullptr;
    if (error == beast_http::error::body_limit) return {.used = used, .state = BodyState::too_large};
    if (error && error != beast_http::error::need_more) return {.used = used, .state = BodyState::bad};
    return {.used = used, .state = parser.is_done() ? BodyState::complete : BodyState::more};
}

}  // namespace slipway::http
