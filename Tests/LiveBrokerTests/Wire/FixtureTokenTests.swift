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

  /// A request without a mask has nothing to resolve.
  private static let masked = FixtureCorpus.tokenRequests.filter {
    $0.content["request"]?["body"]?["fieldMask"] != nil
  }

  @Test(arguments: masked)
  func everyRecordedMaskIsResolvedOrKnownToBeWrong(_ fixture: Fixture) throws {
    let mask = try #require(try TokenRequestBody(decoding: recordedBody(fixture)).fieldMask)
    // These masks name generation fields at the top, as the SDK sends unmapped names; the schema of
    // setup has no such fields (live-api.md A.4).
    let invalid = ["constraints_lock_snake_and_camel_names", "lock_without_constraints"]
    let isInvalid = invalid.contains { fixture.name.contains($0) }
    #expect((SetupFieldMask(mask) == nil) == isInvalid, "\(mask)")
  }

  /// Where our constraints differ from the recorded ones, and why.
  private enum Difference: String, CaseIterable {
    case missingMask = "everything is a mask of all other fields, not a missing one"
    case nothingPinned = "a lock that pins nothing is refused; the SDK sends it as no lock at all"
    case resumption = "sessionResumption is never pinned, or no connection could resume"
    case wholeInstruction = "systemInstruction is pinned as a whole; reports on its parts disagree"
    case mapped = "names of generation fields get their place in every spelling"
    case onceEach = "no name stands twice"
  }

  /// What the caller of the SDK asked to lock, as ours.
  private func lock(_ fixture: Fixture, hasSetup: Bool) -> TokenLock? {
    let names = fixture.content["sdk_config"]?["lock_additional_fields"]?.array
    guard let names else { return hasSetup ? .everything : nil }
    return names.isEmpty ? .fieldsOfSetup : .fieldsOfSetupAnd(names.compactMap(\.string))
  }

  /// The recorded mask in our terms, and the differences met on the way.
  private func translated(_ mask: String) -> (names: Set<String>, differences: Set<Difference>) {
    let generation = ["temperature", "topK", "maxOutputTokens"]
    var names: Set<String> = []
    var differences: Set<Difference> = []
    for spelled in mask.split(separator: ",") {
      var path = spelled.split(separator: ".").map { SchemaNormaliser.camelCase(String($0)) }
      if path[0] == "sessionResumption" {
        differences.insert(.resumption)
        continue
      }
      if path[0] == "systemInstruction", path.count > 1 {
        differences.insert(.wholeInstruction)
        path = [path[0]]
      }
      if path.count == 1, generation.contains(path[0]) { path.insert("generationConfig", at: 0) }
      let name = path.joined(separator: ".")
      let isNew = names.insert(name).inserted
      if !isNew, path[0] != "systemInstruction" { differences.insert(.onceEach) }
      if name != spelled, path[0] != "systemInstruction" { differences.insert(.mapped) }
    }
    return (names, differences)
  }

  @Test(arguments: FixtureCorpus.tokenRequests)
  func anOrderPinsWhatTheSDKPinsOrDiffersForAReason(_ fixture: Fixture) throws {
    let body = try TokenRequestBody(decoding: recordedBody(fixture))
    let setup = body.bidiGenerateContentSetup
    let lock = lock(fixture, hasSetup: setup != nil)
    let order = TokenOrder(uses: body.uses ?? 1, setup: setup, lock: lock)
    let now = try #require(WallTime(rfc3339: "2030-01-01T00:00:00Z"))
    var differences: Set<Difference> = []
    defer {
      if !differences.isEmpty {
        print("differs on purpose:", fixture.name, differences.map(\.rawValue).sorted())
      }
    }
    if lock == .fieldsOfSetup, setup == nil {
      differences = [.nothingPinned]
      #expect(body.fieldMask == nil)
      #expect(throws: MintError.self) { try order.request(at: now) }
      return
    }
    let constraints = try order.request(at: now).constraints
    let ours = Set((constraints?.fieldMask ?? "").split(separator: ",").map(String.init))
    if lock == .everything {
      differences = [.missingMask]
      #expect(body.fieldMask == nil)
      let all = Set(FieldLister(Setup.blank).known)
      #expect(ours == all.subtracting(["sessionResumption", "explicitVadSignal"]))
    } else {
      let recorded = translated(body.fieldMask ?? "")
      differences = recorded.differences
      #expect(ours == recorded.names)
    }
    // What is pinned is the recorded setup, but for the handle's field.
    var expected = setup
    expected?.sessionResumption = nil
    let pinned = constraints.flatMap { $0.setup.isEmpty ? nil : $0.setup }
    #expect(try pinned.map { try Setup.readWire(JSONValue(decoding: $0)) } == expected)
  }

  @Test(arguments: ["explicit_vad_signal_in_constraints", "model_with_query_characters"])
  func whatTheSDKRefusesToPinIsRefused(_ name: String) throws {
    let refused = try #require(try FixtureCorpus.file("auth_tokens/refused_by_sdk.json").array)
    #expect(refused.contains { $0["case"]?.string == name })
    var setup = Setup(model: name.hasPrefix("model") ? "m?key=1" : "m")
    if name.hasPrefix("explicit") { setup.explicitVadSignal = true }
    let error = #expect(throws: MintError.self) {
      try TokenOrder(setup: setup).request(at: WallTime(nanosecondsSinceEpoch: 0))
    }
    #expect(error?.code == .invalidRequest)
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
