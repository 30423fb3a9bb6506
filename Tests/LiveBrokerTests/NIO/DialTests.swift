// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import LiveBroker

@Suite("Dials of the NIO transport", .timeLimit(.minutes(30)))
struct DialTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func configuration(
    _ change: (inout NIOTransportConfiguration) -> Void = { _ in }
  ) -> NIOTransportConfiguration {
    var configuration = NIOTransportConfiguration()
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    change(&configuration)
    return configuration
  }

  private func dial(
    _ endpoint: LiveEndpoint, _ configuration: NIOTransportConfiguration,
    _ change: (inout DialRequest) -> Void = { _ in }
  ) async throws(TransportError) -> any LiveConnection {
    var request = DialRequest(
      endpoint: endpoint, credential: .ephemeralToken(Secret("auth_tokens/x")), generation: 1,
      executor: EventLoopExecutor(group.next()), sink: SilentSink(), timeouts: .unhurried)
    change(&request)
    return try await NIOTransport(group: group, configuration: configuration).dial(request)
  }

  private func error(
    _ endpoint: LiveEndpoint, _ configuration: NIOTransportConfiguration,
    _ change: (inout DialRequest) -> Void = { _ in }
  ) async -> TransportError? {
    do throws(TransportError) {
      try await dial(endpoint, configuration, change).abort()
      return nil
    } catch {
      return error
    }
  }

  @Test("A certificate that nobody trusts ends the dial as a failure of TLS")
  func untrusted() async throws {
    let server = try await ScriptedServer(group, tls: true)
    let error = await error(server.endpoint, NIOTransportConfiguration())
    #expect(error?.code == .tlsFailed)
    await server.close()
  }

  @Test("A certificate for another name ends the dial, unless names are not looked at")
  func otherName() async throws {
    let server = try await ScriptedServer(group, tls: true)
    var endpoint = server.endpoint
    endpoint.host = "localhost.localdomain"
    let named = await error(server.endpoint, configuration())
    #expect(named == nil)
    // Reached through a proxy, the name need not resolve. The certificate does hold the address of
    // the socket, which proves nothing about the name.
    let tunnel = try await ScriptedProxy(group, to: server.endpoint.port)
    let through = configuration { $0.proxy = tunnel.address }
    let misnamed = await error(endpoint, through)
    #expect(misnamed?.code == .tlsFailed)
    var lax = through
    lax.tls.verification = .chainOnly
    #expect(await error(endpoint, lax) == nil)
    await tunnel.close()
    await server.close()
  }

  @Test(
    "A certificate's name is held against the host label by label",
    arguments: [
      ("a.example.com", "a.example.com", true), ("*.example.com", "a.example.com", true),
      ("*.example.com", "example.com", false), ("*.example.com", "a.b.example.com", false),
      ("*.com", "example.com", false), ("a*.example.com", "ab.example.com", false),
      ("*.*.com", "a.b.com", false), ("", "", false), ("*", "a", false),
    ])
  func certificateNames(pattern: String, host: String, matches: Bool) {
    func labels(_ name: String) -> [String] {
      name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(CertificateName.matches(labels(pattern), labels(host)) == matches)
  }

  @Test("A server that hangs up in the TLS handshake, or says nothing, is not one that TLS refuses")
  func noTLS() async throws {
    let hangsUp = try await SilentServer(group, hangsUp: true)
    let silent = try await SilentServer(group, hangsUp: false)
    let ended = await error(hangsUp.endpoint(tls: true), configuration())
    #expect(ended?.code == .connectFailed)
    let late = await error(silent.endpoint(tls: true), configuration()) {
      $0.timeouts.tls = .milliseconds(50)
    }
    #expect(late?.code == .timedOut)
    #expect(late?.message.contains("TLS") == true)
    await hangsUp.close()
    await silent.close()
  }

  @Test("A server that hangs up before it answers the upgrade is lost, not refused")
  func hangsUpBeforeUpgrade() async throws {
    let server = try await SilentServer(group, hangsUp: true)
    #expect(await error(server.endpoint(tls: false), configuration())?.code == .connectionLost)
    await server.close()
  }

  @Test(
    "An answer that does not complete the upgrade is a violation",
    arguments: [
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
      "HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\nSec-WebSocket-Accept: %ACCEPT%\r\n\r\n",
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %ACCEPT%\r\n\r\n",
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        + "Sec-WebSocket-Accept: %ACCEPT%\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
      "nonsense\r\n\r\n",
    ])
  func wrongAnswers(answer: String) async throws {
    let server = try await ScriptedServer(group)
    server.replyRaw(answer)
    #expect(await error(server.endpoint, configuration())?.code == .protocolViolation)
    await server.close()
  }

  @Test("Interim answers are passed over")
  func interim() async throws {
    let server = try await ScriptedServer(group)
    server.replyRaw(
      "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
        + "Connection: upgrade\r\nSec-WebSocket-Accept: %ACCEPT%\r\n\r\n")
    #expect(await error(server.endpoint, configuration()) == nil)
    await server.close()
  }

  @Test("An empty key and a name that does not exist fail before anything is sent")
  func nothingSent() async throws {
    let server = try await ScriptedServer(group)
    let unsendable = await error(server.endpoint, configuration()) {
      $0.credential = .apiKey(Secret("two words"))
    }
    #expect(unsendable?.code == .invalidRequest)
    #expect(server.heads.count == 0)
    let nowhere = LiveEndpoint(host: "no-such-host.invalid", port: 1, usesTLS: false)
    #expect(await error(nowhere, configuration())?.code == .resolveFailed)
    await server.close()
  }

  @Test("A port that does not exist fails the dial, and nothing else", arguments: [-1, 0, 65_536])
  func noSuchPort(port: Int) async throws {
    for host in ["127.0.0.1", "localhost"] {
      let endpoint = LiveEndpoint(host: host, port: port, usesTLS: false)
      #expect(await error(endpoint, configuration())?.code == .invalidRequest)
      let proxied = configuration { $0.proxy = .init(host: host, port: port) }
      #expect(await error(.geminiDeveloper, proxied)?.code == .invalidRequest)
    }
    var minting = HTTPTokenMinter.Configuration()
    minting.proxy = .init(host: "127.0.0.1", port: port)
    #expect(throws: MintError.self) {
      try HTTPTokenMinter(apiKey: Secret("k"), configuration: minting)
    }
  }

  @Test("However many addresses are silent, the last has its share of the time", arguments: 1..<20)
  func shares(silent: Int) {
    var left = Duration.seconds(6)
    for others in (1...silent).reversed() {
      let share = NIODial.share(of: left, before: others)
      #expect(share > .zero)
      left -= share
    }
    #expect(left >= .seconds(6) / (silent + 1) - .milliseconds(1))
  }

  @Test("A name is resolved and reached")
  func byName() async throws {
    let server = try await ScriptedServer(group)
    var endpoint = server.endpoint
    endpoint.host = "localhost"
    let failure = await error(endpoint, configuration())
    #expect(failure == nil)
    let head = try #require(await server.nextHead())
    #expect(head.contains("\r\nHost: localhost:\(endpoint.port)\r\n"))
    await server.close()
  }

  @Test("A proxy is asked for a tunnel with its credentials; TLS goes through it")
  func proxy() async throws {
    let server = try await ScriptedServer(group, tls: true)
    let tunnel = try await ScriptedProxy(group, to: server.endpoint.port)
    var address = tunnel.address
    address.credentials = Secret("user:password")
    let through = configuration { $0.proxy = address }
    let failure = await error(server.endpoint, through)
    #expect(failure == nil)
    let head = try #require(await tunnel.heads.next(server.patience))
    #expect(head.hasPrefix("CONNECT 127.0.0.1:\(server.endpoint.port) HTTP/1.1\r\n"))
    #expect(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"))
    #expect(!head.contains("auth_tokens"))
    await tunnel.close()
    await server.close()
  }

  @Test("A proxy that says no is named with its status, and its secret is not")
  func proxyRefuses() async throws {
    let tunnel = try await ScriptedProxy(group, to: 1, status: 407)
    var address = tunnel.address
    address.credentials = Secret("user:hidden-word")
    let through = configuration { $0.proxy = address }
    let endpoint = LiveEndpoint(host: "example.invalid", port: 443)
    let refused = await error(endpoint, through)
    #expect(refused?.code == .connectFailed)
    #expect(refused?.httpStatus == 407)
    #expect(refused.map { "\($0)".contains("hidden-word") } == false)
    await tunnel.close()
  }

  @Test("When everything has ended, no socket and no deadline is left")
  func nothingIsLeft() async throws {
    let server = try await ScriptedServer(group)
    let transport = NIOTransport(group: group, configuration: configuration())
    let executor = EventLoopExecutor(group.next())
    var connections: [any LiveConnection] = []
    for _ in 0..<20 {
      connections.append(
        try await transport.dial(
          DialRequest(
            endpoint: server.endpoint, credential: .apiKey(Secret("k")), generation: 1,
            executor: executor, sink: SilentSink(), timeouts: .unhurried)))
    }
    #expect(transport.openSockets == 20)
    #expect(await transport.deadlineCount(on: executor) == 0)
    for connection in connections { connection.abort() }
    // Handlers leave their pipelines in a later turn of the loop.
    for _ in 0..<3 { try await executor.eventLoop.submit {}.get() }
    #expect(transport.openSockets == 0)
    #expect(await transport.deadlineCount(on: executor) == 0)
    await server.close()
  }
}

/// A sink that nobody asks.
final class SilentSink: ConnectionSink {
  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {}
  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {}
}

/// Accepts connections and says nothing, or hangs up.
final class SilentServer: Sendable {
  private let listener: any Channel

  init(_ group: any EventLoopGroup, hangsUp: Bool) async throws {
    listener = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        if hangsUp { channel.close(promise: nil) }
        return channel.eventLoop.makeSucceededVoidFuture()
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func endpoint(tls: Bool) -> LiveEndpoint {
    LiveEndpoint(host: "127.0.0.1", port: listener.localAddress?.port ?? 0, usesTLS: tls)
  }

  func close() async { try? await listener.close() }
}

/// A proxy that takes `CONNECT` for anything and leads to one port.
final class ScriptedProxy: Sendable {
  let heads = Transcript<String>()
  private let listener: any Channel

  init(_ group: any EventLoopGroup, to port: Int, status: Int = 200) async throws {
    let heads = heads
    listener = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Tunnel(heads, port, status))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  var address: NIOTransportConfiguration.Proxy {
    .init(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)
  }

  func close() async { try? await listener.close() }

  private final class Tunnel: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let heads: Transcript<String>
    let port: Int
    let status: Int
    var far: (any Channel)?
    var text = ""

    init(_ heads: Transcript<String>, _ port: Int, _ status: Int) {
      (self.heads, self.port, self.status) = (heads, port, status)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if let far { return far.writeAndFlush(unwrapInboundIn(data), promise: nil) }
      text += String(buffer: unwrapInboundIn(data))
      guard text.hasSuffix("\r\n\r\n") else { return }
      heads.append(text)
      let near = context.channel
      let answer = ByteBuffer(string: "HTTP/1.1 \(status) x\r\n\r\n")
      guard status == 200 else { return near.writeAndFlush(answer, promise: nil) }
      ClientBootstrap(group: context.eventLoop)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Backwards(near))
          }
        }
        .connect(host: "127.0.0.1", port: port).whenSuccess { far in
          self.far = far
          near.writeAndFlush(answer, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { far?.close(promise: nil) }
  }

  private final class Backwards: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let near: any Channel
    init(_ near: any Channel) { self.near = near }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      near.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { near.close(promise: nil) }
  }
}
#endif
