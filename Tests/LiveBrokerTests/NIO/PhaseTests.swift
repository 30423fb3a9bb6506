// SPDX-License-Identifier: Apache-2.0

#if NIO
import Glibc
import LiveEmulator
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import LiveBroker

@Suite("Each phase of a dial", .timeLimit(.minutes(30)))
struct PhaseTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func configuration() -> NIOTransportConfiguration {
    var configuration = NIOTransportConfiguration()
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    return configuration
  }

  /// A request in which no phase runs out of time, but for what `change` says.
  private func request(
    _ endpoint: LiveEndpoint, _ change: (inout DialTimeouts) -> Void = { _ in }
  ) -> DialRequest {
    var timeouts = DialTimeouts.unhurried
    change(&timeouts)
    return DialRequest(
      endpoint: endpoint, credential: .ephemeralToken(Secret("auth_tokens/hidden-word")),
      generation: 1, executor: EventLoopExecutor(group.next()), sink: SilentSink(),
      timeouts: timeouts)
  }

  private func error(
    _ request: DialRequest, _ configuration: NIOTransportConfiguration? = nil
  ) async -> TransportError? {
    let transport = NIOTransport(
      group: group, configuration: configuration ?? self.configuration())
    do throws(TransportError) {
      try await transport.dial(request).abort()
      return nil
    } catch {
      var text = ""
      dump(error, to: &text)
      #expect(!text.contains("hidden-word"))
      return error
    }
  }

  // MARK: Deadlines

  @Test("A name that is never resolved ends by the deadline of resolving")
  func resolving() async throws {
    let request = request(LiveEndpoint(host: "slow.invalid", port: 1, usesTLS: false)) {
      $0.resolve = .milliseconds(20)
    }
    let resolver = HostResolver(.init(), lookup: { _ in .success([]) }, blocking: { _ in })
    let loop = group.next()
    let outcome = await withUnsafeContinuation { continuation in
      let dial = NIODial(
        request, configuration(), resolver, tls: .success(nil), on: LoopState(loop)
      ) { continuation.resume(returning: $0) }
      loop.execute { dial.start() }
    }
    guard case .failure(let error) = outcome else {
      Issue.record("it was resolved")
      return
    }
    #expect(error.code == .timedOut)
    #expect(error.message.contains("resolving"))
  }

  @Test("A host that does not answer ends by the deadline of connecting")
  func connecting() async throws {
    // Linux ignores whoever knocks at a port with a full queue.
    let full = PlainPort(listens: true, backlog: 0)
    let crowd = (0..<16).map { _ in full.connectBlindly() }
    let endpoint = LiveEndpoint(host: "127.0.0.1", port: full.number, usesTLS: false)
    for _ in 0..<5 {
      let error = await error(request(endpoint) { $0.connect = .milliseconds(20) })
      #expect(error?.code == .timedOut)
      #expect(error?.message.contains("TCP") == true)
    }
    for one in crowd + [full] { one.close() }
  }

  @Test("A proxy that does not answer ends by the deadline of connecting")
  func tunnelling() async throws {
    let silent = try await SilentServer(group, hangsUp: false)
    var through = configuration()
    through.proxy = .init(host: "127.0.0.1", port: silent.endpoint(tls: false).port)
    let endpoint = LiveEndpoint(host: "example.invalid", port: 443)
    // On a busy machine the proxy itself may not be reached in time.
    var limit = Duration.milliseconds(50)
    var last: TransportError?
    while limit < .unhurried, last?.message.contains("proxy") != true {
      last = await error(request(endpoint) { [limit] in $0.connect = limit }, through)
      #expect(last?.code == .timedOut)
      limit *= 4
    }
    #expect(last?.message.contains("proxy") == true)
    await silent.close()
  }

  @Test("A server that says nothing ends by the deadline of its phase", arguments: [false, true])
  func securingAndUpgrading(tls: Bool) async throws {
    let silent = try await SilentServer(group, hangsUp: false)
    let error = await error(
      request(silent.endpoint(tls: tls)) {
        if tls { $0.tls = .milliseconds(20) } else { $0.upgrade = .milliseconds(20) }
      })
    #expect(error?.code == .timedOut)
    #expect(error?.message.contains(tls ? "TLS" : "upgrade") == true)
    await silent.close()
  }

  @Test("A server that keeps talking without an answer does not move the deadline")
  func interimForEver() async throws {
    let talker = try await TalkingServer(
      group, opening: "", endless: "HTTP/1.1 100 Continue\r\n\r\n")
    let error = await error(request(talker.endpoint) { $0.upgrade = .milliseconds(50) })
    #expect(error?.code == .timedOut)
    await talker.close()
  }

  @Test("An answer whose headers do not end is given up", arguments: [false, true])
  func endlessHead(throughProxy: Bool) async throws {
    let talker = try await TalkingServer(
      group, opening: "HTTP/1.1 \(throughProxy ? 200 : 101) x\r\n", endless: "X-More: more\r\n")
    var configuration = configuration()
    if throughProxy {
      configuration.proxy = .init(host: "127.0.0.1", port: talker.endpoint.port)
    }
    #expect(await error(request(talker.endpoint), configuration)?.code == .protocolViolation)
    await talker.close()
  }

  // MARK: Proxies

  @Test("A proxy that refuses, hangs up or speaks out of turn fails the dial", arguments: 0..<4)
  func badProxies(_ kind: Int) async throws {
    let answers = [
      "HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\nRetry-After: 3\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n", "",
    ]
    let proxy = try await TalkingServer(group, opening: answers[kind], endless: "")
    var through = configuration()
    through.proxy = .init(
      host: "127.0.0.1", port: proxy.endpoint.port, credentials: Secret("user:hidden-word"))
    let endpoint = LiveEndpoint(host: "example.invalid", port: 443, usesTLS: false)
    let error = await error(request(endpoint), through)
    #expect(error?.code == (kind == 2 ? .protocolViolation : .connectFailed))
    #expect(error?.httpStatus == [403, 502, nil, nil][kind])
    #expect(error?.retryAfter == (kind == 1 ? .seconds(3) : nil))
    await proxy.close()
  }

  // MARK: TLS

  @Test("TLS 1.2 is the least that is spoken", arguments: [TLSVersion.tlsv11, .tlsv12, .tlsv13])
  func versions(newest: TLSVersion) async throws {
    let server = try await ScriptedServer(group, tls: true, newestTLS: newest)
    let error = await error(request(server.endpoint))
    #expect(error?.code == (newest == .tlsv11 ? .tlsFailed : nil))
    await server.close()
  }

  @Test("Trusted certificates can come from a file; one that is missing fails the dial")
  func trustFile() async throws {
    let server = try await ScriptedServer(group, tls: true)
    var template = Array("/tmp/livebroker-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let pem = Array(TestCertificate.certificate.utf8)
    #expect(write(descriptor, pem, pem.count) == pem.count)
    Glibc.close(descriptor)
    var configuration = configuration()
    configuration.tls.trustRoots = .file(path)
    #expect(await error(request(server.endpoint), configuration) == nil)
    unlink(path)
    #expect(await error(request(server.endpoint), configuration)?.code == .tlsFailed)
    await server.close()
  }

  // MARK: Secrets

  @Test(
    "No credential is in any error of a dial, nor in the request",
    arguments: [
      Credential.apiKey(Secret("hidden-word")), .ephemeralToken(Secret("auth_tokens/hidden-word")),
      .vertex(.accessToken(Secret("hidden-word"), quotaProject: "p")),
      .vertex(.expressKey(Secret("hidden-word"))),
    ])
  func redaction(credential: Credential) async throws {
    let server = try await ScriptedServer(group)
    let secure = try await ScriptedServer(group, tls: true)
    let dead = try #require(server.deadEndpoint)
    let nowhere = LiveEndpoint(host: "no-such-host.invalid", port: 1, usesTLS: false)
    var codes: [TransportError.Code?] = []
    for endpoint in [dead, nowhere, secure.endpoint, server.endpoint] {
      await server.meetUpgrades(.refuse(status: 401, retryAfter: nil))
      var request = request(endpoint)
      request.credential = credential
      var text = "\(request) \(String(reflecting: request))"
      dump(request.credential, to: &text)
      #expect(!text.contains("hidden-word"))
      codes.append(await error(request, NIOTransportConfiguration())?.code)
    }
    #expect(codes == [.connectFailed, .resolveFailed, .tlsFailed, .upgradeRefused])
    await server.close()
    await secure.close()
  }
}

/// Answers the first bytes of a client with some of its own, and then with others without end, or
/// with nothing more; with an empty opening and no others it hangs up.
final class TalkingServer: Sendable {
  private let listener: any Channel

  init(_ group: any EventLoopGroup, opening: String, endless: String) async throws {
    listener = try await ServerBootstrap(group: group)
      // A small buffer: it fills soon, and then the loop turns to its other connections.
      .childChannelOption(.socketOption(.so_sndbuf), value: 4096)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Talker(opening, endless))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  var endpoint: LiveEndpoint {
    LiveEndpoint(host: "127.0.0.1", port: listener.localAddress?.port ?? 0, usesTLS: false)
  }

  func close() async { try? await listener.close() }

  private final class Talker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let opening: String
    private let endless: String
    private var hasOpened = false

    init(_ opening: String, _ endless: String) { (self.opening, self.endless) = (opening, endless) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !hasOpened else { return }
      hasOpened = true
      if opening.isEmpty, endless.isEmpty { return context.close(promise: nil) }
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: opening)), promise: nil)
      if !endless.isEmpty { goOn(context) }
    }

    /// The next piece once the last is out, in a later turn of the loop.
    private func goOn(_ context: ChannelHandlerContext) {
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      let written = context.eventLoop.makePromise(of: Void.self)
      written.futureResult.whenSuccess {
        bound.value.1.eventLoop.execute { bound.value.0.goOn(bound.value.1) }
      }
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: endless)), promise: written)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }
}
#endif
