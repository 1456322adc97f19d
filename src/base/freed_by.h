// Ends what a C library made: std::unique_ptr<BIO, FreedBy<BIO_free>>.
#pragma once

namespace slipway {

template <auto Function>
struct FreedBy {
    template <class T>
    void operator()(T* thing) const {
        Function(thing);
    }
};

}  // namespace slipway
