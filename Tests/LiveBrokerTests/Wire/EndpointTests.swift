// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Testing

/// Which URL and which headers each kind of credential leads to.
@Suite struct EndpointTests {
  private static let key = Credential.apiKey(Secret("FAKE-API-KEY"))
  private static let token = Credential.ephemeralToken(Secret("auth_tokens/fake-token-0001"))
  private static let bearer = Credential.vertex(
    .accessToken(Secret("FAKE-OAUTH-ACCESS-TOKEN"), quotaProject: nil))
  private static let billed = Credential.vertex(
    .accessToken(Secret("FAKE-OAUTH-ACCESS-TOKEN"), quotaProject: "fake-quota-project"))
  private static let express = Credential.vertex(.expressKey(Secret("FAKE-API-KEY")))

  /// What was recorded for a client that was made so.
  private static func credential(_ fixture: Fixture) -> Credential {
    let client = fixture.content["sdk_client"]
    switch client?["backend"]?.string {
    case "vertex_key": return express
    case "vertex_oauth": return client?["quota"] == nil ? bearer : billed
    default: return client?["api_key"] == nil ? key : token
    }
  }

  @Test(arguments: FixtureCorpus.connects)
  func pathAndHeadersAreTheRecordedOnes(_ fixture: Fixture) throws {
    let request = try #require(fixture.content["request"])
    let path = try #require(request["path"]?.string)
    let credential = Self.credential(fixture)
    // The version is the caller's choice; all else follows from the credential.
    let versions = ["v1beta1", "v1beta", "v1alpha", "v1"]
    let version = try #require(versions.first { path.contains(".\($0).") })
    let prefix = path.hasPrefix("/proxy/") ? "/proxy" : ""
    let endpoint = LiveEndpoint(host: "h", basePath: prefix, apiVersion: version)
    // The SDK doubles the slash where it joins base and path.
    let recorded = path.replacing("//ws/", with: "/ws/")
    #expect(endpoint.socketPath(for: credential) == recorded)

    var placed = credential.placement.headers.reduce(into: [:]) { $0[$1.name] = $1.value.reveal() }
    let names = ["Authorization", "x-goog-api-key", "x-goog-user-project"]
    var expected = names.reduce(into: [:]) { $0[$1] = request["headers"]?[$1]?.string }
    if case .ephemeralToken(let secret) = credential {
      // The SDK sends a token in two headers, which the service was seen to refuse; ours goes into
      // the query (live-api.md B.2).
      #expect(credential.placement.query.map(\.name) == ["access_token"])
      #expect(credential.placement.query.first?.value == secret)
      #expect(expected.removeValue(forKey: "Authorization") == "Token \(secret.reveal())")
      #expect(expected.removeValue(forKey: "x-goog-api-key") == secret.reveal())
      placed = [:]
    } else {
      #expect(credential.placement.query.isEmpty)
    }
    #expect(placed == expected)
  }

  @Test(arguments: [
    ("us-central1", "us-central1-aiplatform.googleapis.com"),
    ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ("global", "aiplatform.googleapis.com"), ("us", "aiplatform.us.rep.googleapis.com"),
    ("eu", "aiplatform.eu.rep.googleapis.com"),
  ])
  func aVertexHostFollowsFromTheLocation(location: String, host: String) {
    let place = VertexPlace(project: "fake-project", location: location)
    #expect(place.endpoint.host == host)
    #expect(place.endpoint.port == 443 && place.endpoint.usesTLS)
    #expect(
      place.endpoint.socketPath(for: Self.bearer)
        == "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent")
    var stable = place.endpoint
    stable.apiVersion = "v1"
    #expect(
      stable.socketPath(for: Self.bearer)
        == "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent")
  }

  @Test func vertexModelsAreNamedAsTheSDKNamesThem() throws {
    let place = VertexPlace(project: "fake-project", location: "us-central1")
    for (file, model) in [
      ("vertex_oauth_default_modality", place.model("gemini-live-fixture-model")),
      ("vertex_key_default_modality", VertexPlace.express.model("gemini-live-fixture-model")),
    ] {
      let recorded = try FixtureCorpus.file("live/\(file).setup.json")["message"]
      #expect(recorded?["setup"]?["model"]?.string == model)
      #expect(Setup(model: model).model == model)
    }
    #expect(VertexPlace.express.endpoint.host == "aiplatform.googleapis.com")
    #expect(
      place.model("projects/p/locations/l/endpoints/1") == "projects/p/locations/l/endpoints/1")
  }

  @Test func theDefaultsAreTheVersionsThatHaveEverything() {
    let endpoint = LiveEndpoint.geminiDeveloper
    let service = "/ws/google.ai.generativelanguage.v1alpha.GenerativeService."
    #expect(endpoint.socketPath(for: Self.key) == service + "BidiGenerateContent")
    #expect(endpoint.socketPath(for: Self.token) == service + "BidiGenerateContentConstrained")
    #expect(endpoint.mintPath == "/v1alpha/auth_tokens")
    #expect(LiveEndpoint(host: "h", apiVersion: "v1beta").mintPath == "/v1beta/auth_tokens")
  }

  @Test func noTokenIsMintedOnVertex() {
    #expect(throws: Never.self) { try LiveEndpoint.geminiDeveloper.checkMinting() }
    let error = #expect(throws: MintError.self) {
      try VertexPlace(project: "p", location: "eu").endpoint.checkMinting()
    }
    #expect(error?.code == .unsupported && error?.isRetryable == false)
  }

  @Test func aBrokerGoesWhereItsCredentialsBelong() {
    let place = VertexPlace(project: "p", location: "us-central1")
    let vertex = CredentialSource.vertex(place) { .accessToken(Secret("t")) }
    #expect(BrokerConfiguration(credentials: vertex).endpoint == place.endpoint)
    #expect(BrokerConfiguration(credentials: .apiKey(Secret("k"))).endpoint == .geminiDeveloper)
    let express = CredentialSource.vertexExpress(key: Secret("k"))
    #expect(BrokerConfiguration(credentials: express).endpoint == VertexPlace.express.endpoint)
  }

  @Test func aTokenInThePlaceOfAKeyIsRefusedBeforeAnythingIsDialled() throws {
    let stand = TestStand(broker: { $0.credentials = .apiKey(Secret("auth_tokens/fake")) })
    let error = try stand.simulation.run { () -> BrokerError? in
      do throws(BrokerError) {
        _ = try await stand.broker.openSession(stand.configuration())
        return nil
      } catch { return error }
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.message.contains("fake") == false)
    #expect(stand.network.figures.dials == 0)
  }

  @Test func aCredentialFitsOnlyTheServiceThatItOpens() {
    let vertex = VertexPlace.express.endpoint
    for credential in [Self.key, Self.token] {
      #expect(LiveEndpoint.geminiDeveloper.fits(credential) && !vertex.fits(credential))
    }
    for credential in [Self.bearer, Self.billed, Self.express] {
      #expect(!LiveEndpoint.geminiDeveloper.fits(credential) && vertex.fits(credential))
    }
  }

  @Test func noCredentialIsEverDescribed() {
    for credential in [Self.key, Self.token, Self.billed, Self.express] {
      var text = "\(credential) \(String(reflecting: credential)) \(credential.placement)"
      dump(credential, to: &text)
      dump(credential.placement, to: &text)
      #expect(!text.contains("FAKE") && !text.contains("fake-token"), "\(text)")
    }
  }
}
