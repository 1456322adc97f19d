// The bytes of one connection, read as src/http/connection.cpp reads them: in one piece, in pieces, byte by byte.
// However they arrive, the same requests are read; and an independent reading of each accepted one, as strict as
// RFC 9112, finds the same length of its body and no second one.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "fuzz/chunked.h"
#include "fuzz/fuzz.h"
#include "http/auth.h"
#include "http/head_scanner.h"
#include "http/input_buffer.h"
#include "http/request_parser.h"

namespace slipway::fuzz {
namespace {

using http::HeadScanner;
using http::RequestParser;

// Small, so that inputs of a few hundred bytes reach them.
constexpr http::HeadLimits kLimits{.head_bytes = 600, .line_bytes = 200, .fields = 12};
constexpr std::uint64_t kMaxBody = 400;
constexpr std::size_t kByteByByte = 1500;  // longer inputs are not read byte by byte

struct Read {
    std::vector<std::string> requests;  // each as one text
    bool refused = false;               // the connection would be closed with an answer of 4xx or 5xx
    bool waiting = false;               // for more of a chunked body
};

// A chunk that is wrong is seen to be wrong sooner in some pieces than in others, which wait for more of it.
bool same(const Read& one, const Read& other) {
    return one.requests == other.requests && (one.refused == other.refused || one.waiting || other.waiting);
}

std::string described(const Read& read) {
    return fmt::format("{}{}", fmt::join(read.requests, " | "), read.refused ? " | refused" : "");
}

struct Field {
    std::string name;  // lower case
    std::string_view value;
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool token(std::string_view text) {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.contains(c);
    });
}

// The fields of an accepted head, read by rules of our own.
std::vector<Field> fields_of(std::string_view head) {
    std::vector<Field> fields;
    for (std::string_view line : split(head.substr(0, head.size() - 4), "\r\n", 1000)) {
        check(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos, "an accepted head has clean lines",
              head);
        if (line.data() == head.data()) continue;  // the request line
        const std::size_t colon = line.find(':');
        check(colon != line.npos && token(line.substr(0, colon)), "a field's name is a token before a colon", line);
        fields.push_back({lower(line.substr(0, colon)), trimmed(line.substr(colon + 1))});
    }
    return fields;
}

struct Framing {
    bool chunked = false;
    std::optional<std::uint64_t> length;
};

// The one way in which the body's length is told; anything that others could read differently is broken.
Framing framing_of(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    check(std::ranges::count(line, ' ') == 2, "a request line has two spaces", line);
    const bool old = line.ends_with(" HTTP/1.0");
    check(old || line.ends_with(" HTTP/1.1"), "the version is known", line);
    Framing framing;
    int lengths = 0;
    int codings = 0;
    int hosts = 0;
    for (const Field& field : fields_of(head)) {
        if (field.name == "host") ++hosts;
        if (field.name == "transfer-encoding") {
            ++codings;
            check(lower(field.value) == "chunked", "no coding but chunked is accepted", field.value);
            framing.chunked = true;
        }
        if (field.name != "content-length") continue;
        ++lengths;
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(field.value.begin(), field.value.end(), value);
        check(error == std::errc() && end == field.value.end(), "Content-Length is a number", field.value);
        framing.length = value;
    }
    check(lengths + codings <= 1, "the body's length is told once", head);
    check(codings == 0 || !old, "HTTP/1.0 has no transfer codings", head);
    check(hosts <= 1 && (hosts == 1 || old), "HTTP/1.1 names one host", head);
    return framing;
}

// Reads requests out of what has come in so far, with the steps of Connection.
class Reader {
  public:
    void take(std::string_view piece) {
        whole_ += piece;
        const std::span<char> room = input_.prepare(piece.size());
        std::ranges::copy(piece, room.begin());
        input_.commit(piece.size());
        while (!closed_ && step()) {
        }
    }
    [[nodiscard]] Read read() const {
        Read read = read_;
        read.waiting = in_body_ && !closed_ && framing_.chunked;
        return read;
    }

  private:
    bool step() { return in_body_ ? body() : head(); }

    bool head() {
        const HeadScanner::State state = scanner_.scan(input_.view(), kLimits);
        if (state == HeadScanner::State::incomplete) return false;
        if (state != HeadScanner::State::complete) return refuse();
        const std::string text(input_.view().substr(scanner_.skipped(), scanner_.size()));
        input_.consume(scanner_.skipped() + scanner_.size());
        used_ += scanner_.skipped() + scanner_.size();
        scanner_.reset();
        request_ = http::Request();
        if (const auto refusal = parser_.parse_head(text, request_)) {
            check(refusal->status >= 400 && refusal->status < 600, "a refusal has a status", refusal->reason);
            check(!refusal->reason.contains(kCanary), "a refusal repeats nothing of the head", refusal->reason);
            return refuse();
        }
        framing_ = framing_of(text);
        check(framing_.chunked == parser_.chunked(), "both see the same coding", text);
        check(framing_.length == parser_.content_length(), "both see the same length", text);
        const auto credentials = http::credentials_of(request_);
        check(credentials || !credentials.error().message.contains(kCanary), "no error repeats credentials",
              credentials ? "" : credentials.error().message);
        if (framing_.length.value_or(0) > kMaxBody) return refuse();
        if (!parser_.has_body()) {
            check(!framing_.chunked && framing_.length.value_or(0) == 0, "a body that is announced is read", text);
            return finish();
        }
        parser_.limit_body(kMaxBody);
        body_start_ = used_;
        return in_body_ = true;
    }

    bool body() {
        const RequestParser::Fed fed = parser_.feed(input_.view(), &request_.body);
        input_.consume(fed.used);
        used_ += fed.used;
        check(request_.body.size() <= kMaxBody, "a body stays within its limit");
        switch (fed.state) {
            case RequestParser::BodyState::too_large:
            case RequestParser::BodyState::bad: return refuse();
            case RequestParser::BodyState::more: return false;
            case RequestParser::BodyState::complete: break;
        }
        check_body(std::string_view(whole_).substr(body_start_, used_ - body_start_));
        return finish();
    }

    // `text`: what the parser took for the body.
    void check_body(std::string_view text) const {
        if (!framing_.chunked) {
            check(text.size() == framing_.length, "the body has the length that was told", text);
            check(text == request_.body, "the body is what was sent", text);
            return;
        }
        const auto reference = read_chunked(text);
        check(reference.has_value(), "an accepted chunked body is one by the grammar", text);
        check(reference->size == text.size(), "a chunked body ends where the grammar says", text);
        check(reference->content == request_.body, "a chunked body has the content that was sent", text);
    }

    bool finish() {
        in_body_ = false;
        std::string said = fmt::format("{} /{} keep={} body={}", to_string(request_.method),
                                       fmt::join(request_.path(), "/"), parser_.keep_alive(), request_.body);
        for (const auto& [name, value] : request_.query()) said += fmt::format(" ?{}={}", name, value);
        for (const std::string_view name : {"host", "idempotency-key", "authorization", "x-request-id"}) {
            for (const std::string_view value : request_.headers.all(name))
                said += fmt::format(" {}={}", name, value);
        }
        read_.requests.push_back(std::move(said));
        closed_ = !parser_.keep_alive();
        return !closed_;
    }
    bool refuse() {
        read_.refused = closed_ = true;
        return false;
    }

    std::string whole_;
    std::size_t used_ = 0;
    std::size_t body_start_ = 0;
    http::InputBuffer input_;
    HeadScanner scanner_;
    RequestParser parser_;
    http::Request request_;
    Framing framing_;
    bool in_body_ = false;
    bool closed_ = false;
    Read read_;
};

Read in_pieces(std::string_view input, const std::function<std::size_t()>& next_size) {
    Reader reader;
    while (!input.empty()) {
        const std::string_view piece = input.substr(0, std::max<std::size_t>(next_size(), 1));
        input.remove_prefix(piece.size());
        reader.take(piece);
    }
    return reader.read();
}

}  // namespace

void http_request(std::string_view input) {
    const Read whole = in_pieces(input, [&] { return input.size(); });
    std::uint64_t hash = 1469598103934665603U;  // the pieces depend on the input and on nothing else
    for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    const Read pieces = in_pieces(input, [&] {
        hash = hash * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::size_t>((hash >> 33U) % 40);
    });
    check(same(pieces, whole), "pieces change nothing", described(whole) + " =/= " + described(pieces));
    if (input.size() > kByteByByte) return;
    const Read bytes = in_pieces(input, [] { return std::size_t{1}; });
    check(same(bytes, whole), "single bytes change nothing", described(whole) + " =/= " + described(bytes));
}

}  // namespace slipway::fuzz
