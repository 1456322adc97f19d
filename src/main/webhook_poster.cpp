#include "main/webhook_poster.h"

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "net/http_client.h"

namespace slipway {
namespace {

constexpr std::size_t kMaxAnswer = 64UL * 1024;  // nobody reads it

struct Place {
    net::Origin origin;
    std::string target;
};

Result<Place> place_of(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return fail(ErrorCode::invalid_argument, "its address is not a URL");
    const std::string authority(parsed->encoded_authority().data(), parsed->encoded_authority().size());
    auto origin = net::Origin::parse(fmt::format("{}://{}", std::string(parsed->scheme()), authority));
    if (!origin) return fail(origin.error());
    std::string target(parsed->encoded_target().data(), parsed->encoded_target().size());
    if (target.empty() || target.front() != '/') target.insert(0, "/");
    return Place{std::move(*origin), std::move(target)};
}

}  // namespace

WebhookPoster make_webhook_poster(std::shared_ptr<const net::Trust> trust, bool allow_private) {
    return [trust = std::move(trust), allow_private](WebhookPost post) -> Task<Result<int>> {
        auto place = place_of(post.url);
        if (!place) co_return fail(place.error());
        net::HttpCall call;
        call.method = "POST";
        call.target = std::move(place->target);
        call.body = std::move(post.body);
        call.headers = std::move(post.headers);
        call.headers.emplace_back("user-agent", "slipway/" SLIPWAY_VERSION);
        call.trust = trust;
        call.public_only = !allow_private;
        call.connect_limit = post.limit / 2;
        call.answer_limit = post.limit / 2;
        call.max_answer = kMaxAnswer;
        const auto answer = co_await net::http_call(std::move(place->origin), std::move(call));
        if (!answer) co_return fail(answer.error());
        co_return answer->status;
    };
}

}  // namespace slipway
