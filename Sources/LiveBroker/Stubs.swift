// SPDX-License-Identifier: Apache-2.0

// Stands in until the wire brings its own.
struct EncodedSetup: Sendable {
  let s: Setup; init(_ s: Setup) { self.s = s };
  func frame(handle: Secret?) -> [UInt8] {
    var c = s; c.sessionResumption = SessionResumptionConfig(handle: handle);
    return ClientMessage.setup(c).encoded()
  }
}
