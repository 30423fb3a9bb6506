// SPDX-License-Identifier: Apache-2.0

import Foundation
import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct MintingTests {
  @Test(arguments: ["", "{}", #"{"uses":null}"#])
  func anEmptyBodyMintsATokenAndTheAnswerHoldsOnlyItsName(body: String) throws {
    var stage = ServiceStage()
    let answer = stage.post(body)
    let json = try #require(try JSONValue(decoding: answer.body).objectValue)
    #expect(answer.status == 200)
    #expect(json.members.map(\.name) == ["name"])
    #expect(json["name"]?.stringValue?.hasPrefix("auth_tokens/") == true)
  }

  @Test func theDateIsTheServicesOwn() {
    var stage = ServiceStage { $0.clockSkew = .seconds(40) }
    stage.pass(.seconds(10))
    #expect(stage.post("").date == stage.epoch.advanced(by: .seconds(50)))
  }

  @Test(arguments: [
    #"{"uses":2,"expireTime":"2030-03-17T17:47:00Z","field_mask":"model"}"#,
    #"{"uses":2.0,"expire_time":"2030-03-17T19:47:00+02:00","fieldMask":""}"#,
    #"{"new_session_expire_time":"2030-03-17T17:47:00.123456","bidi_generate_content_setup":{}}"#,
  ])
  func bothSpellingsAndAllTimesAreRead(body: String) {
    var stage = ServiceStage()
    #expect(stage.post(body).status == 200)
  }

  @Test(arguments: [
    (#"{"expireTime":"2030-03-18T13:46:40Z"}"#, "expire_time is too far in the future"),
    (#"{"newSessionExpireTime":"2031-01-01T00:00:00Z"}"#, "new_session_expire_time is too far"),
    (#"{"liveConnectConstraints":{}}"#, #"Unknown name \"liveConnectConstraints\": Cannot find"#),
    (
      #"{"bidiGenerateContentSetup":{"setup":{}}}"#,
      #"Unknown name \"setup\" at 'auth_token.bidi_generate_content_setup'"#
    ),
    (#"{"fieldMask":"tools.0"}"#, "field_mask is invalid for BidiGenerateContentSetup"),
    (#"{"uses":-1}"#, "Invalid value at 'auth_token.uses'"),
    (#"{"expireTime":"tomorrow"}"#, "Invalid value at 'auth_token.expire_time'"),
    (#"{"uses":1"#, "Invalid JSON payload received."),
    (#"[]"#, "Invalid JSON payload received."),
  ])
  func whatTheServiceRefusesIsRefusedInItsWords(body: String, text: String) {
    var stage = ServiceStage()
    let answer = stage.post(body)
    #expect(answer.status == 400)
    let said = String(decoding: answer.body, as: UTF8.self)
    #expect(said.contains(text))
    #expect(said.contains(#""status":"INVALID_ARGUMENT""#))
    #expect(stage.service.totalsNow.mintsRefused == 1)
  }

  @Test func justUnderTwentyHoursIsAllowed() {
    var stage = ServiceStage()
    let ends = stage.epoch.advanced(by: .seconds(20 * 3_600 - 1)).rfc3339
    #expect(stage.post(#"{"expireTime":"\#(ends)"}"#).status == 200)
  }

  @Test func keysAreJudged() {
    let bad = Secret("BAD-KEY")
    var stage = ServiceStage { $0.credentials.refusedKeys = [bad] }
    #expect(stage.post("", nil).status == 403)
    #expect(stage.post("", .apiKey(bad)).status == 400)
    #expect(
      String(decoding: stage.post("", .apiKey(bad)).body, as: UTF8.self)
        .contains("API_KEY_INVALID"))
    let token = stage.mint().map(Credential.ephemeralToken)
    #expect(stage.post("", token).status == 401)
  }

  @Test(arguments: [
    ("400_api_key_invalid", MintRefusal.keyInvalid),
    ("400_expire_time_too_far", MintRefusal.tooFar("expire_time", maximum: .seconds(72_000))),
    ("401_unauthenticated", MintRefusal.unauthenticated),
    ("403_permission_denied", MintRefusal.unregistered),
    ("429_resource_exhausted", MintRefusal.quota),
    ("500_internal", MintRefusal.internalError),
    ("503_unavailable", MintRefusal.unavailable),
  ])
  func errorBodiesAreThoseOfTheGoldenCorpus(name: String, body: [UInt8]) throws {
    let fixture = try Self.fixture("auth_tokens/responses/\(name).json")
    #expect(try JSONValue(decoding: body) == fixture["raw"])
  }

  @Test func unknownFieldsAndMasksFailWithTheCorpusBodies() throws {
    var stage = ServiceStage()
    let unknown = stage.post(#"{"liveConnectConstraints":{}}"#)
    let mask = stage.post(#"{"fieldMask":"config"}"#)
    let corpus = "auth_tokens/responses/400_"
    #expect(
      try JSONValue(decoding: unknown.body) == Self.fixture(corpus + "unknown_field.json")["raw"])
    #expect(
      try JSONValue(decoding: mask.body) == Self.fixture(corpus + "invalid_field_mask.json")["raw"])
  }

  @Test func everyRequestOfTheCorpusIsReadAndOnlyUnmappedMaskNamesAreRefused() throws {
    let directory = try #require(Bundle.module.resourceURL)
      .appendingPathComponent("Fixtures/auth_tokens")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter { $0.hasSuffix(".request.json") }.sorted()
    #expect(names.count > 40)
    var refused: [String] = []
    for name in names {
      let request = try Self.fixture("auth_tokens/\(name)")["request"]
      // The corpus' own times lie years ahead of the stage's calendar, or behind it.
      var body = request?["body"]?.objectValue ?? JSONObject()
      for time in ["expireTime", "newSessionExpireTime"] {
        guard let text = body[time]?.stringValue else { continue }
        #expect(WallTime(rfc3339: text) != nil)
        body[time] = nil
      }
      var stage = ServiceStage()
      let answer = stage.post(String(decoding: body.encoded(), as: UTF8.self))
      if answer.status != 200 { refused.append(name) }
    }
    #expect(
      refused == [
        "constraints_lock_snake_and_camel_names.request.json",
        "lock_without_constraints.request.json",
      ])
  }

  @Test(arguments: [
    ("model", true), ("generationConfig.temperature", true), ("generation_config.top_k", true),
    ("system_instruction", true), ("systemInstruction.parts", true), ("tools", true),
    ("labels.team", true), ("realtimeInputConfig.automaticActivityDetection.disabled", true),
    ("sessionResumption.handle", true), ("model,tools", true),
    ("tools.0", false), ("config", false), ("topK", false), ("model.name", false),
    ("systemInstruction.parts.text", false), ("labels.a.b", false), ("model,", false),
    ("generationConfig.", false), (".", false), ("safetySettings.category", false),
  ])
  func masksAreResolvedAgainstTheSchema(mask: String, isValid: Bool) {
    #expect((FieldMask(mask) != nil) == isValid)
  }

  static func fixture(_ path: String) throws -> JSONValue {
    let url = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(path)")
    return try JSONValue(decoding: Array(Data(contentsOf: url)))
  }
}
