#include "http/router.h"

#include <gtest/gtest.h>

namespace slipway::http {
namespace {

Handler nothing() {
    return [](Request&) -> Task<Response> { co_return Response::empty(204); };
}

Target target_of(std::string_view text) {
    Target target;
    EXPECT_TRUE(target.parse(text));
    return target;
}

std::string label(const Router& router, Method method, std::string_view path) {
    const auto match = router.match(method, target_of(path));
    return match.route == nullptr ? "-" + match.allow : match.route->options.label;
}

TEST(Router, PrefersLiteralsThenParametersThenRest) {
    Router router;
    router.add(Method::get, "/a/b", nothing());
    router.add(Method::get, "/a/:x", nothing());
    router.add(Method::get, "/a/*rest", nothing());
    router.add(Method::get, "/", nothing());
    ASSERT_TRUE(router.check());
    EXPECT_EQ(label(router, Method::get, "/a/b"), "/a/b");
    EXPECT_EQ(label(router, Method::get, "/a/c"), "/a/:x");
    EXPECT_EQ(label(router, Method::get, "/a/c/d"), "/a/*rest");
    EXPECT_EQ(label(router, Method::get, "/"), "/");
    EXPECT_EQ(label(router, Method::get, "/a"), "-") << "rest needs one segment at least";
    EXPECT_EQ(label(router, Method::get, "/a//"), "-") << "an empty segment is no name";
}

TEST(Router, ATakenBranchWithoutTheMethodDoesNotHideAnother) {
    Router router;
    router.add(Method::post, "/a/plans", nothing());
    router.add(Method::get, "/a/:name", nothing());
    EXPECT_EQ(label(router, Method::get, "/a/plans"), "/a/:name");
    EXPECT_EQ(label(router, Method::post, "/a/plans"), "/a/plans");
    EXPECT_EQ(label(router, Method::delete_, "/a/plans"), "-GET, HEAD, POST, OPTIONS");
}

TEST(Router, SameShapeWithOtherNamesPerMethod) {
    Router router;
    router.add(Method::get, "/a/:name", nothing());
    router.add(Method::put, "/a/:id", nothing());
    ASSERT_TRUE(router.check());
    EXPECT_EQ(label(router, Method::put, "/a/1"), "/a/:id");
}

TEST(Router, HeadFallsBackToGet) {
    Router router;
    router.add(Method::get, "/a", nothing());
    router.add(Method::get, "/b", nothing());
    router.add(Method::head, "/b", nothing(), {.label = "own head"});
    EXPECT_EQ(label(router, Method::head, "/a"), "/a");
    EXPECT_EQ(label(router, Method::head, "/b"), "own head");
}

TEST(Router, TrailingSlashIsASetting) {
    Router router;
    router.add(Method::get, "/a", nothing());
    EXPECT_EQ(label(router, Method::get, "/a/"), "/a");
    router.set_optional_trailing_slash(false);
    EXPECT_EQ(label(router, Method::get, "/a/"), "-");
    EXPECT_EQ(label(router, Method::get, "/a"), "/a");
}

TEST(Router, CollectsMistakesSoThatNoneReachesProduction) {
    Router router;
    router.add(Method::get, "/a", nothing());
    router.add(Method::get, "/a/", nothing());
    router.add(Method::get, "b", nothing());
    router.add(Method::get, "/c//d", nothing());
    router.add(Method::get, "/e/:", nothing());
    router.add(Method::get, "/*f/g", nothing());
    router.add(Method::get, "/h/:i", nothing(), {.redacted = {"j"}});
    router.group("/k", {});
    router.group("/k/", {});
    const Status status = router.check();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message,
              "route /a/: is there twice; route b: must begin with a slash; route /c//d: has an empty segment or "
              "name; route /e/:: has an empty segment or name; route /*f/g: '*' must stand last; route /h/:i: has "
              "no parameter \"j\" to redact; route /k/: is a group twice");
}

TEST(Router, LoggedPathHidesRedactedParametersAndBoundsTheOthers) {
    Router router;
    router.add(Method::get, "/v1/redis/url/:name", nothing(), {.redacted = {"name"}});
    router.add(Method::get, "/v1/:plan/x", nothing());
    router.add(Method::get, "/files/*path", nothing(), {.redacted = {"path"}});
    router.add(Method::get, "/open/*path", nothing());
    const auto logged = [&](std::string_view path) {
        const Target target = target_of(path);
        return router.match(Method::get, target).route->logged_path(target.segments());
    };
    EXPECT_EQ(logged("/v1/redis/url/default:PASSWORD@oct-f592509d/"), "/v1/redis/url/[redacted]");
    EXPECT_EQ(logged("/v1/small/x"), "/v1/small/x");
    EXPECT_EQ(logged("/files/a/b"), "/files/[redacted]");
    EXPECT_EQ(logged("/open/a/b"), "/open/a/b");
    EXPECT_EQ(logged("/v1/" + std::string(200, 'x') + "/x"), "/v1/" + std::string(128, 'x') + ".../x");
    std::string cut = "/v1/" + std::string(127, 'x') + "...";
    EXPECT_EQ(logged("/v1/" + std::string(127, 'x') + "%C3%A9yy/x"), cut + "/x") << "no half characters";
}

// People paste a key where its id belongs, and a URL where a name does.
TEST(Router, LoggedPathHasNamesAloneWhereARouteWantsThat) {
    Router router;
    router.add(Method::get, "/Keys/:id/x", nothing(), {.only_names_logged = true});
    const auto logged = [&](const std::string& id) {
        const Target target = target_of("/Keys/" + id + "/x");
        return router.match(Method::get, target).route->logged_path(target.segments());
    };
    for (const std::string& name :
         {std::string("key_01m832kmmkd0rcqpgzxsvp7jwc"), std::string("oct-f592509d"), std::string(63, 'x')}) {
        EXPECT_EQ(logged(name), "/Keys/" + name + "/x");
    }
    for (const std::string& other : {std::string("slk_aB"), std::string("default:pw@oct-1"), std::string(64, 'x'),
                                     std::string("a%20b"), std::string("a.b"), std::string("%C3%A9")}) {
        EXPECT_EQ(logged(other), "/Keys/[redacted]/x") << other;
    }
}

TEST(Router, LongestGroupPrefixRendersErrorsOfKnownAndUnknownPaths) {
    const auto saying = [](std::string text) {
        return [text](int status, const Error&) { return Response::text(status, text); };
    };
    Router router;
    router.group("/v1", {.renderer = saying("outer")});
    router.group("/v1/redis", {.renderer = saying("inner")});
    const auto rendered = [&](std::string_view path) {
        const Target target = target_of(path);
        return std::get<std::string>(router.render_error(target.segments(), 404, Error()).body);
    };
    EXPECT_EQ(rendered("/v1/redis/x"), "inner");
    EXPECT_EQ(rendered("/v1/redis"), "inner");
    EXPECT_EQ(rendered("/v1/redisx"), "outer") << "prefixes are whole segments";
    EXPECT_EQ(rendered("/v2"), R"({"error":""})");
}

}  // namespace
}  // namespace slipway::http
