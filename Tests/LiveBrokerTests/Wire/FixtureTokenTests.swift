// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct FixtureTokenTests {
  private let normaliser = SchemaNormaliser()

  private func recordedBody(_ fixture: Fixture) throws -> [UInt8] {
    let request = try #require(fixture.content["request"])
    if request["body_is_empty"] == .bool(true) { return [] }
    return try #require(request["body"]).bytes
  }

  @Test(arguments: FixtureCorpus.tokenRequests)
  func aRecordedTokenRequestKeepsItsMeaning(_ fixture: Fixture) throws {
    let bytes = try recordedBody(fixture)
    let body = try TokenRequestBody(decoding: bytes)
    #expect(body.unknownFields.isEmpty)
    let encoded = body.request.encodedBody()
    #expect(try TokenRequestBody(decoding: encoded) == body)
    guard !bytes.isEmpty else {
      #expect(body == TokenRequestBody())
      return
    }
    var expected = normaliser.normalise(try PlainJSON(bytes))
    // Times are compared as instants, since the SDK spells them in several ways.
    if case .object(var members) = expected {
      for name in ["expireTime", "newSessionExpireTime"] {
        guard let text = members[name]?.string else { continue }
        members[name] = .string(try #require(WallTime(rfc3339: text)).rfc3339)
      }
      expected = .object(members)
    }
    #expect(try normaliser.normalise(PlainJSON(encoded)) == expected)
  }

  @Test(arguments: FixtureCorpus.tokenRequests)
  func everyRecordedMaskIsResolvedOrKnownToBeWrong(_ fixture: Fixture) throws {
    let body = try TokenRequestBody(decoding: recordedBody(fixture))
    guard let mask = body.fieldMask else { return }
    // These masks name generation fields at the top, as the SDK sends unmapped names; the schema of
    // setup has no such fields (live-api.md A.4).
    let invalid = ["constraints_lock_snake_and_camel_names", "lock_without_constraints"]
    let isInvalid = invalid.contains { fixture.name.contains($0) }
    #expect((SetupFieldMask(mask) == nil) == isInvalid, "\(mask)")
  }

  @Test(arguments: FixtureCorpus.tokenRequests)
  func aLockOfTheSetFieldsGivesTheMaskThatTheSDKGives(_ fixture: Fixture) throws {
    guard fixture.name.hasSuffix("lock_empty.request.json") else { return }
    let body = try TokenRequestBody(decoding: recordedBody(fixture))
    guard let setup = body.bidiGenerateContentSetup, let mask = body.fieldMask else { return }
    // Ours never names sessionResumption, and names systemInstruction as a whole.
    var expected: [String] = []
    for name in mask.split(separator: ",").map(String.init) {
      let top = name.split(separator: ".").first.map(String.init) ?? name
      if top == "sessionResumption" { continue }
      let ours = top == "generationConfig" ? name : top
      if !expected.contains(ours) { expected.append(ours) }
    }
    let actual = try TokenLock.fieldsOfSetup.mask(for: setup).split(separator: ",")
    #expect(Set(actual.map(String.init)) == Set(expected))
  }

  @Test(arguments: FixtureCorpus.tokenResponses)
  func aMintAnswerIsReadAsTheSDKReadsIt(_ fixture: Fixture) throws {
    let status = Int(try #require(fixture.content["http_status"]?.number))
    let raw = try #require(fixture.content["raw"])
    if status == 200 {
      let name = fixture.content["parsed"]?["name"]?.string
      if let name {
        #expect(try MintedToken(decodingBody: raw.bytes).name == Secret(name))
      } else {
        // The SDK returns a token without a name; nobody could use it.
        #expect(throws: MintError.self) { try MintedToken(decodingBody: raw.bytes) }
      }
      return
    }
    let text = raw.string.map { Array($0.utf8) }
    let error = MintError(httpStatus: status, body: try text ?? raw.bytes)
    #expect(error.httpStatus == status)
    #expect(error.code == expectedCodes[fixture.name.split(separator: "/").last.map(String.init)])
    if text == nil {
      #expect(error.message == fixture.content["sdk_error"]?["error_message"]?.string)
      #expect(error.status == fixture.content["sdk_error"]?["status"]?.string)
    }
  }

  private let expectedCodes: [String?: MintError.Code] = [
    "400_api_key_invalid.json": .keyRefused, "400_expire_time_too_far.json": .invalidRequest,
    "400_invalid_field_mask.json": .invalidRequest, "400_unknown_field.json": .invalidRequest,
    "401_unauthenticated.json": .keyRefused, "403_permission_denied.json": .keyRefused,
    "404_plain_text.json": .invalidRequest, "429_resource_exhausted.json": .quotaExceeded,
    "500_internal.json": .unavailable, "503_unavailable.json": .unavailable,
  ]
}
