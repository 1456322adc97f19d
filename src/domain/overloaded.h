// One visitor out of several lambdas, one for each alternative of a variant.
#pragma once

namespace slipway {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace slipway
