// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct TokenWireTests {
  private var setup: Setup {
    var setup = Setup(model: "m")
    setup.generationConfig = GenerationConfig(responseModalities: [.audio], temperature: 0.7)
    setup.systemInstruction = Content(text: "Be brief.")
    return setup
  }

  @Test func aLockOfTheSetFieldsNamesThem() throws {
    #expect(
      try TokenLock.fieldsOfSetup.mask(for: setup)
        == "model,generationConfig.responseModalities,generationConfig.temperature,"
        + "systemInstruction,contextWindowCompression")
  }

  @Test func aLockOfEverythingNamesEveryFieldButTheHandle() throws {
    var setup = setup
    setup.unknownFields = ["brandNew": [:]]
    let names = try TokenLock.everything.mask(for: setup).split(separator: ",").map(String.init)
    #expect(names.contains("model") && names.contains("tools") && names.contains("brandNew"))
    #expect(names.contains("generationConfig") && names.contains("outputAudioTranscription"))
    #expect(!names.contains { $0.hasPrefix("sessionResumption") })
    #expect(!names.contains("explicitVadSignal"))
    let known = names.dropLast().joined(separator: ",")
    #expect(SetupFieldMask(known) != nil)
  }

  @Test func additionalNamesAreResolvedInBothSpellingsAndNamedOnce() throws {
    let lock = TokenLock.fieldsOfSetupAnd([
      "temperature", "top_k", "generation_config.maxOutputTokens", "output_audio_transcription",
      "model", "generationConfig",
    ])
    #expect(
      try lock.mask(for: setup)
        == "model,generationConfig.responseModalities,generationConfig.temperature,"
        + "systemInstruction,contextWindowCompression,generationConfig.topK,"
        + "generationConfig.maxOutputTokens,outputAudioTranscription,generationConfig")
  }

  @Test(
    arguments: [
      "sessionResumption", "session_resumption", "sessionResumption.handle", "config", "tools.0",
      "systemInstruction.parts", "generationConfig.nope", "generationConfig.", "", ".", "a,b",
    ])
  func namesThatCannotBeLockedAreRefused(_ name: String) {
    let error = #expect(throws: MintError.self) {
      try TokenConstraints(setup, lock: .fieldsOfSetupAnd([name]))
    }
    #expect(error?.code == .invalidRequest)
  }

  @Test func aLockThatPinsNothingIsRefused() {
    var nothing = Setup.blank
    nothing.sessionResumption = SessionResumptionConfig()
    #expect(throws: MintError.self) { try TokenConstraints(nothing, lock: .fieldsOfSetup) }
  }

  @Test(arguments: ["a,model", "a.b", "", "a b", "é"])
  func anUnknownMemberWhoseNameBreaksTheMaskIsRefused(_ name: String) {
    var setup = setup
    setup.unknownFields = JSONObject([(name, .integer(1))])
    for lock in [TokenLock.everything, .fieldsOfSetup] {
      let error = #expect(throws: MintError.self) { try TokenConstraints(setup, lock: lock) }
      #expect(error?.code == .invalidRequest)
    }
  }

  @Test func constraintsNeverHoldAHandle() throws {
    var setup = setup
    setup.sessionResumption = SessionResumptionConfig(handle: Secret("h"))
    let constraints = try TokenConstraints(setup, lock: .everything)
    let inside = try JSONValue(decoding: constraints.setup)
    #expect(inside["sessionResumption"] == nil)
    #expect(inside["model"] == "models/m")
  }

  @Test func limitsAreCheckedBeforeTheWire() throws {
    let now = try #require(WallTime(rfc3339: "2030-01-01T00:00:00Z"))
    let twentyHours = now.advanced(by: .seconds(20 * 3600))
    let constraints = try TokenConstraints(setup, lock: .everything)
    let good = TokenRequest(
      uses: 0, expireTime: twentyHours.advanced(by: .nanoseconds(-1)),
      newSessionExpireTime: now.advanced(by: .seconds(60)), constraints: constraints)
    #expect(throws: Never.self) { try good.validate(at: now) }
    #expect(throws: Never.self) { try TokenRequest().validate(at: now) }
    let bad = [
      TokenRequest(uses: -1), TokenRequest(uses: 1 << 31), TokenRequest(expireTime: twentyHours),
      TokenRequest(newSessionExpireTime: twentyHours), TokenRequest(expireTime: now),
      TokenRequest(constraints: TokenConstraints(setup: constraints.setup, fieldMask: "")),
      TokenRequest(
        constraints: TokenConstraints(
          setup: constraints.setup, fieldMask: "model,sessionResumption")),
    ]
    for request in bad {
      let error = #expect(throws: MintError.self) { try request.validate(at: now) }
      #expect(error?.code == .invalidRequest && error?.isRetryable == false)
    }
  }

  @Test func aRequestIsWrittenAsTheReferenceShowsIt() throws {
    let request = TokenRequest(
      uses: 2, expireTime: WallTime(rfc3339: "2030-01-02T03:04:05Z"),
      newSessionExpireTime: WallTime(rfc3339: "2030-01-02T02:35:05Z"),
      constraints: try TokenConstraints(setup, lock: .fieldsOfSetup))
    let text = String(decoding: request.encodedBody(), as: UTF8.self)
    #expect(
      text.hasPrefix(
        #"{"uses":2,"expireTime":"2030-01-02T03:04:05Z","#
          + #""newSessionExpireTime":"2030-01-02T02:35:05Z","bidiGenerateContentSetup":{"model""#))
    #expect(
      text.hasSuffix(
        #","fieldMask":"model,generationConfig.responseModalities,generationConfig.temperature,"#
          + #"systemInstruction,contextWindowCompression"}"#))
    #expect(try TokenRequestBody(decoding: Array(text.utf8)).request == request)
    #expect(TokenRequest().encodedBody() == Array("{}".utf8))
  }

  @Test func unknownFieldsOfARequestAreSurfaced() throws {
    let body = try TokenRequestBody(
      decoding: Array(
        #"{"liveConnectConstraints":{},"bidi_generate_content_setup":{"setup":{}}}"#.utf8))
    #expect(body.unknownFields["liveConnectConstraints"] != nil)
    #expect(body.bidiGenerateContentSetup?.unknownFields["setup"] != nil)
  }

  @Test func theTruthTableOfTheServiceHolds() throws {
    var token = Setup(model: "pinned")
    token.generationConfig = GenerationConfig(temperature: 0.1)
    token.sessionResumption = nil
    var connection = Setup(model: "asked")
    connection.generationConfig = GenerationConfig(temperature: 0.9, topK: 5)
    connection.sessionResumption = SessionResumptionConfig(handle: Secret("h"))
    connection.outputAudioTranscription = AudioTranscriptionConfig()
    func effective(_ mask: String, token: Setup?) throws -> Setup {
      try #require(SetupFieldMask(mask)).effectiveSetup(token: token, connection: connection)
    }
    #expect(try effective("", token: nil) == connection)
    #expect(try effective("", token: token) == token)
    let masked = try effective(
      "model,generationConfig.temperature,output_audio_transcription", token: token)
    #expect(masked.model == "models/pinned")
    #expect(masked.generationConfig == GenerationConfig(temperature: 0.1, topK: 5))
    #expect(masked.outputAudioTranscription == nil)
    #expect(masked.sessionResumption?.handle == Secret("h"))
    #expect(try effective("generationConfig.temperature", token: nil).generationConfig?.topK == 5)
    #expect(try effective("generationConfig.seed", token: token).generationConfig?.seed == nil)
  }

  @Test func aMaskedFieldOfAMessageThatNobodySetsDoesNotBringAnEmptyOne() throws {
    let mask = try #require(SetupFieldMask("generationConfig.temperature"))
    let connection = Setup(model: "asked")
    for token in [nil, Setup(model: "pinned")] {
      let effective = try mask.effectiveSetup(token: token, connection: connection)
      #expect(effective.generationConfig == nil)
      #expect(effective == connection)
    }
    // One that the connection sends is there, whatever is left of it.
    var speaking = connection
    speaking.generationConfig = GenerationConfig(temperature: 0.9)
    let effective = try mask.effectiveSetup(token: nil, connection: speaking)
    #expect(effective.generationConfig == GenerationConfig())
  }

  @Test(arguments: [
    "tools.0", "config", "model.x", "temperature", "generationConfig.nope", "a..b",
    "tools.functionDeclarations",
  ])
  func masksThatTheServiceRefusesAreRefused(_ mask: String) {
    #expect(SetupFieldMask(mask) == nil)
  }

  @Test func mintErrorsNeverRepeatACredential() {
    let body = #"{"error":{"message":"bad auth_tokens/abc and AIzaSyX and ?key=AIz","status":"X"}}"#
    let error = MintError(httpStatus: 400, body: Array(body.utf8))
    #expect(!"\(error)".contains("abc") && !"\(error)".contains("AIz"))
    let long = #"{"error":{"message":"\#(String(repeating: "x", count: 10_000))"}}"#
    #expect(MintError(httpStatus: 500, body: Array(long.utf8)).message.count <= 300)
    #expect(MintError(httpStatus: 302, body: []).code == .malformedResponse)
    #expect(MintError(httpStatus: 408, body: []).code == .unavailable)
  }

  @Test func aMintedTokenIsReadBackAndNeverDescribed() throws {
    let token = MintedToken(name: Secret("auth_tokens/\"x"))
    #expect(try MintedToken(decodingBody: token.encodedBody).name == token.name)
    let secret = "auth_tokens/secret"
    for body in [
      #"{"nam":"\#(secret)"}"#, "[\"\(secret)\"]", #"{"name":""}"#, "", "<html>\(secret)",
    ] {
      let error = #expect(throws: MintError.self) {
        try MintedToken(decodingBody: Array(body.utf8))
      }
      #expect(error?.code == .malformedResponse && error?.description.contains(secret) == false)
    }
  }
}
