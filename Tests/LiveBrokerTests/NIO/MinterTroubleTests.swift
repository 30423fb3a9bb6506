// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import Testing

@testable import LiveBroker

@Suite("Minting where something is wrong", .timeLimit(.minutes(30)))
struct MinterTroubleTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private static let good = #"{"name":"auth_tokens/abc"}"#

  private func configuration(
    _ change: (inout HTTPTokenMinter.Configuration) -> Void = { _ in }
  ) -> HTTPTokenMinter.Configuration {
    var configuration = HTTPTokenMinter.Configuration()
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    configuration.timeout = .unhurried
    configuration.pause = .milliseconds(1)
    change(&configuration)
    return configuration
  }

  /// Mints once at this endpoint; nil if that works.
  private func error(
    _ endpoint: LiveEndpoint, _ configuration: HTTPTokenMinter.Configuration,
    _ options: MintOptions = MintOptions()
  ) async throws -> MintError? {
    let minter = try HTTPTokenMinter(
      endpoint: endpoint, apiKey: Secret("KEY-that-is-secret"), configuration: configuration,
      seed: 1)
    var request = TokenRequest()
    request.options = options
    var failure: MintError?
    do throws(MintError) {
      _ = try await minter.mint(request)
    } catch {
      var text = ""
      dump(error, to: &text)
      #expect(!text.contains("secret"))
      failure = error
    }
    await minter.shutdown()
    return failure
  }

  @Test("The key goes to nobody whose certificate names an address instead of the host")
  func otherName() async throws {
    let stage = try await HTTPStage(
      [HTTPStage.Answer](repeating: .init(200, Self.good), count: 4), tls: true)
    let tunnel = try await ScriptedProxy(group, to: stage.endpoint.port)
    var endpoint = stage.endpoint
    endpoint.host = "example.invalid"
    let through = configuration { $0.proxy = tunnel.address }
    #expect(try await error(endpoint, through)?.code == .unreachable)
    #expect(stage.seen.isEmpty)
    // The name that it does have, and none at all where names are not looked at.
    endpoint.host = "localhost"
    #expect(try await error(endpoint, through) == nil)
    endpoint.host = "example.invalid"
    #expect(
      try await error(
        endpoint,
        configuration {
          $0.proxy = tunnel.address
          $0.tls.verification = .chainOnly
        }) == nil)
    #expect(stage.seen.count == 2)
    await tunnel.close()
    await stage.close()
  }
}
#endif
