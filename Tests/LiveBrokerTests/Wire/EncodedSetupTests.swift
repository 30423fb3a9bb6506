// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct EncodedSetupTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func setup(_ bytes: [UInt8]) throws -> Setup {
    guard case .setup(let setup) = try ClientMessage(decoding: bytes) else {
      throw WireError(.typeMismatch)
    }
    return setup
  }

  @Test func aNewSetupAsksForHandlesAndTheSlidingWindow() {
    #expect(
      text(ClientMessage.setup(Setup(model: "gemini-x")).encoded())
        == #"{"setup":{"model":"models/gemini-x","sessionResumption":{},"#
        + #""contextWindowCompression":{"slidingWindow":{}}}}"#)
    #expect(Setup(model: "models/a").model == "models/a")
    #expect(Setup(model: "tunedModels/a").model == "tunedModels/a")
  }

  @Test func theFirstFrameAsksForHandlesAndTheSecondCarriesOne() throws {
    // Field note 31: read on the wire, byte for byte.
    var plain = Setup(model: "m")
    plain.contextWindowCompression = nil
    let encoded = EncodedSetup(plain)
    let fresh = #"{"setup":{"model":"models/m","sessionResumption":{}}}"#
    #expect(text(encoded.frame(handle: nil)) == fresh)
    #expect(text(encoded.frame(handle: Secret(""))) == fresh)
    #expect(
      text(encoded.frame(handle: Secret("h\"1")))
        == #"{"setup":{"model":"models/m","sessionResumption":{"handle":"h\"1"}}}"#)
    plain.sessionResumption = nil
    #expect(text(EncodedSetup(plain).frame(handle: nil)) == fresh)
  }

  @Test(arguments: FixtureCorpus.setups)
  func splicingGivesTheFrameThatEncodingGives(_ fixture: Fixture) throws {
    var original = try setup(try #require(fixture.content["message"]).bytes)
    let encoded = EncodedSetup(original)
    var resumption = original.sessionResumption ?? SessionResumptionConfig()
    for handle in [nil, Secret("fake-handle-9")] {
      resumption.handle = handle
      original.sessionResumption = resumption
      #expect(try setup(encoded.frame(handle: handle)) == original)
    }
    original.sessionResumption = nil
    let inside = try JSONValue(decoding: encoded.constraintsJSON)
    #expect(inside["sessionResumption"] == nil)
    #expect(try Setup.readWire(inside) == original)
  }

  @Test func transparentResumptionIsKept() throws {
    var setup = Setup(model: "m")
    setup.sessionResumption = SessionResumptionConfig(handle: Secret("old"), transparent: true)
    let frame = EncodedSetup(setup).frame(handle: Secret("new"))
    let expected = SessionResumptionConfig(handle: Secret("new"), transparent: true)
    #expect(try self.setup(frame).sessionResumption == expected)
    #expect(!text(frame).contains("old"))
  }
}
