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

  // MARK: Time

  @Test("A host that does not answer the connect ends the mint by its time-out")
  func connecting() async throws {
    let full = PlainPort(listens: true, backlog: 0)
    let crowd = (0..<16).map { _ in full.connectBlindly() }
    let endpoint = LiveEndpoint(host: "127.0.0.1", port: full.number, usesTLS: false)
    let hasty = configuration {
      $0.timeout = .milliseconds(50)
      $0.attempts = 1
    }
    #expect(try await error(endpoint, hasty)?.code == .unreachable)
    // A caller in a hurry does not wait for a minter that is not.
    let patient = configuration {
      $0.timeout = .seconds(1)
      $0.attempts = 1
    }
    let options = MintOptions(timeout: .milliseconds(50))
    #expect(try await error(endpoint, patient, options)?.code == .unreachable)
    for one in crowd + [full] { one.close() }
  }

  @Test("Connecting may take as long as the attempt, not the client's own ten seconds")
  func connectTimeout() throws {
    for timeout in [Duration.milliseconds(50), .seconds(10), .unhurried] {
      let made = try HTTPTokenMinter.clientConfiguration(
        configuration { $0.timeout = timeout }, host: "h")
      // Read by reflection, since tests do not depend on the client's module.
      let connect = Mirror(reflecting: made).descendant("timeout", "connect") as? TimeAmount
      #expect(connect == .nanoseconds(timeout.nanoseconds))
    }
  }

  @Test("An answer that begins and does not go on ends by the time-out")
  func stalledAnswer() async throws {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
      let peer = try await RudePeer(group, answer, .never)
      let hasty = configuration {
        $0.timeout = .milliseconds(100)
        $0.attempts = 1
      }
      #expect(try await error(peer.endpoint(tls: false), hasty)?.code == .unreachable)
      await peer.close()
    }
  }

  // MARK: Peers

  @Test(
    "An answer that breaks off is none, and is tried again",
    arguments: [
      "", "HTTP/1.1 200 OK\r\nConte",
      "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"name\":\"a\"}",
      "SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ], [RudePeer.End.finish, .reset])
  func brokenAnswer(answer: String, end: RudePeer.End) async throws {
    let peer = try await RudePeer(group, answer, end)
    #expect(try await error(peer.endpoint(tls: false), configuration())?.code == .unreachable)
    #expect(peer.requests.count == 2)
    await peer.close()
  }

  @Test("A refusal with an endless page is what its status says", arguments: [401, 503])
  func longRefusal(status: Int) async throws {
    let page = String(repeating: "<html>", count: 20_000)
    let stage = try await HTTPStage([.init(status, page), .init(200, Self.good)])
    let error = try await error(stage.endpoint, configuration())
    #expect(error?.code == (status == 401 ? .keyRefused : nil))
    #expect(stage.seen.count == (status == 401 ? 1 : 2))
    await stage.close()
  }

  @Test("The key goes to nobody whose certificate names an address instead of the host")
  func otherName() async throws {
    let stage = try await HTTPStage(
      [HTTPStage.Answer](repeating: .init(200, Self.good), count: 4), tls: true)
    let tunnel = try await ScriptedProxy(group, to: stage.endpoint.port)
    var endpoint = stage.endpoint
    endpoint.host = "example.invalid"
    let through = configuration { $0.proxy = tunnel.address }
    let refused = try await error(endpoint, through)
    #expect(refused?.code == .unreachable)
    #expect(refused?.message == "the certificate is not for example.invalid")
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

  // MARK: Requests

  @Test("A header that would break the request is refused by name, and nothing is sent")
  func headers() async throws {
    let stage = try await HTTPStage([.init(200, Self.good)])
    for (name, value) in [("X-A", "secret\r\nX-B: c"), ("x-goog-api-key", "another-secret")] {
      let options = MintOptions(headers: [.init(name: name, value: value)])
      let error = try await error(stage.endpoint, configuration(), options)
      #expect(error?.code == .invalidRequest)
      #expect(error?.message.contains(name) == true)
    }
    #expect(stage.seen.isEmpty)
    await stage.close()
  }
}
#endif
