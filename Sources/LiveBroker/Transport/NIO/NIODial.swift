// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// The way of one connection from a name to an upgraded WebSocket, on its event loop.
///
///     resolving ─▶ connecting ─▶ (tunnelling) ─▶ (securing) ─▶ upgrading ─▶ over
///
/// Each phase has its deadline and its error; the tunnel of a proxy counts as connecting. Addresses
/// of a name are tried one after another, each with its share of the time.
final class NIODial: @unchecked Sendable {
  // Unchecked: everything below is touched only on `state.loop`.
  typealias Answer = @Sendable (Result<any LiveConnection, TransportError>) -> Void

  enum Phase {
    case idle, resolving, connecting, tunnelling, securing, upgrading, over
  }

  let state: LoopState
  let request: DialRequest
  private let configuration: NIOTransportConfiguration
  private let resolver: HostResolver
  private let tlsContext: Result<NIOSSLContext?, TransportError>
  private var tls: NIOSSLContext?
  private var phase = Phase.idle
  private var answer: Answer?
  private(set) var connection: NIOConnection?
  private var deadline: UInt32?
  private var upgrade: UpgradeRequest?
  private var addresses: ArraySlice<SocketAddress> = []
  /// When the phase of connecting ends, if there are several addresses.
  private var connectBy = EngineInstant.never
  /// What has come of an answer whose head is not complete.
  private var head: AnswerReader?

  /// - Parameter answer: Told the outcome, once, on the loop. A connection tells what arrives as
  ///   soon as it has returned.
  init(
    _ request: DialRequest, _ configuration: NIOTransportConfiguration, _ resolver: HostResolver,
    tls: Result<NIOSSLContext?, TransportError>, on state: LoopState, answer: @escaping Answer
  ) {
    self.request = request
    self.configuration = configuration
    self.resolver = resolver
    tlsContext = tls
    self.state = state
    self.answer = answer
    state.dials.add(1, ordering: .relaxed)
  }

  private var target: (host: String, port: Int) {
    configuration.proxy.map { ($0.host, $0.port) } ?? (request.endpoint.host, request.endpoint.port)
  }

  // MARK: Beginning and end

  func start() {
    guard phase == .idle else { return }
    do throws(TransportError) {
      tls = try tlsContext.get()
      let template = try state.template(
        request.endpoint, request.credential, extraHeaders: configuration.extraHeaders)
      upgrade = try UpgradeRequest(template, request.credential, &state.entropy)
    } catch {
      return fail(error)
    }
    resolve()
  }

  func fail(_ code: TransportError.Code, _ message: String, _ cause: (any Error)? = nil) {
    fail(TransportError(code, message: message, cause: cause))
  }

  func fail(_ error: TransportError) {
    guard phase != .over else { return }
    phase = .over
    connection.take()?.drop()
    end(.failure(error))
  }

  private func end(_ outcome: Result<any LiveConnection, TransportError>) {
    phase = .over
    disarm()
    upgrade = nil
    head = nil
    state.dials.subtract(1, ordering: .relaxed)
    answer.take()?(outcome)
  }

  private func enter(_ phase: Phase, within time: Duration) {
    self.phase = phase
    disarm()
    deadline = state.arm(self, in: time)
  }

  private func disarm() {
    if let slot = deadline.take() { state.disarm(slot) }
  }

  // MARK: Resolving and connecting

  private func resolve() {
    let (host, port) = target
    guard (1...65_535).contains(port) else {
      return fail(.invalidRequest, "there is no port \(port)")
    }
    if let literal = state.literalAddress(host, port: port) { return connect([literal]) }
    enter(.resolving, within: request.timeouts.resolve)
    // A question may be answered long after the dial was given up; until then its deadline holds it.
    let known = resolver.addresses(of: host) { [state, weak self] answer in
      state.loop.execute { self?.resolved(answer) }
    }
    if let known { resolved(.success(known)) }
  }

  private func resolved(_ answer: Result<[SocketAddress], HostResolver.Failure>) {
    guard phase == .resolving else { return }
    switch answer {
    case .success(let addresses): connect(addresses)
    case .failure(let failure):
      fail(.resolveFailed, "\(target.host) was not resolved: \(failure.message)")
    }
  }

  private func connect(_ addresses: [SocketAddress]) {
    self.addresses = addresses[...]
    if addresses.count > 1 {
      connectBy = SystemClock().now.advanced(by: request.timeouts.connect)
    }
    enter(.connecting, within: request.timeouts.connect)
    connectNext(after: nil)
  }

  private func connectNext(after error: (any Error)?) {
    guard phase == .connecting else { return }
    guard let next = addresses.popFirst() else {
      resolver.distrust(target.host)
      return fail(.connectFailed, "no TCP connection to \(target.host)", error)
    }
    let address = with(next, port: target.port)
    let connection = NIOConnection(request, dial: self, limits: configuration.limits)
    self.connection = connection
    // For the last address the deadline of the phase rules.
    let share =
      addresses.isEmpty
      ? request.timeouts.connect
      : Self.share(of: SystemClock().now.duration(to: connectBy), before: addresses.count)
    state.connect(self, to: address, within: share).whenComplete { result in
      switch result {
      case .success:
        // An only address goes first anyway.
        if self.connectBy != .never { self.resolver.prefer(address, of: self.target.host) }
      case .failure(let error):
        guard self.connection === connection else { return }
        self.connectNext(after: error)
      }
    }
  }

  /// How long an address may take before so many others: its part of the time that is left, so that
  /// there is some for the last.
  static func share(of left: Duration, before others: Int) -> Duration { left / (others + 1) }

  private func with(_ address: SocketAddress, port: Int) -> SocketAddress {
    guard address.port != port else { return address }
    var address = address
    address.port = port
    return address
  }

  /// Gives a channel that is about to be connected its options and handlers.
  func prepare(_ channel: any Channel) throws {
    guard let connection else { throw ChannelError.inappropriateOperationForState }
    // Set here and not by the bootstrap, which makes a future for each.
    try setOptions(channel)
    let pipeline = channel.pipeline.syncOperations
    if configuration.proxy == nil, let handler = try makeTLSHandler() {
      try pipeline.addHandler(handler)
    }
    // Named, since a name that NIO has to make up is printed into a string.
    try pipeline.addHandler(connection, name: "LiveBroker")
  }

  private func setOptions(_ channel: any Channel) throws {
    guard let options = channel.syncOptions else { return }
    let limits = configuration.limits
    let low = min(max(limits.writeLowWatermark, 1), 1 << 30)
    let high = min(max(limits.writeHighWatermark, low), 1 << 30)
    try options.setOption(.writeBufferWaterMark, value: .init(low: low, high: high))
    // Handshakes and handles are short; audio makes it grow by itself.
    try options.setOption(
      .recvAllocator,
      value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 512, maximum: 65_536))
  }

  func makeTLSHandler() throws -> NIOSSLClientHandler? {
    guard let tls else { return nil }
    return try NIOSSLClientHandler(context: tls, serverHostname: upgrade?.template.serverName)
  }

  // MARK: What the channel tells

  func connected() {
    guard phase == .connecting else { return }
    if let proxy = configuration.proxy {
      phase = .tunnelling
      connection?.write(tunnelRequest(proxy))
    } else {
      secure()
    }
  }

  func secure() {
    if tls == nil {
      sendUpgrade()
    } else {
      enter(.securing, within: request.timeouts.tls)
    }
  }

  func heard(_ event: Any) {
    guard phase == .securing, case .handshakeCompleted? = event as? TLSUserEvent else { return }
    guard hasProvenName else {
      return fail(.tlsFailed, "the certificate is not for \(request.endpoint.host)")
    }
    sendUpgrade()
  }

  private var hasProvenName: Bool {
    guard configuration.tls.verification == .full else { return true }
    let pipeline = connection?.context?.pipeline.syncOperations
    let handler = try? pipeline?.handler(type: NIOSSLClientHandler.self)
    guard let certificate = handler?.peerCertificate else { return false }
    return CertificateName.isProven(request.endpoint.host, by: certificate)
  }

  private func sendUpgrade() {
    guard let upgrade else { return }
    enter(.upgrading, within: request.timeouts.upgrade)
    connection?.write(upgrade.bytes)
  }

  func received(_ bytes: ByteBuffer) {
    guard phase == .upgrading || phase == .tunnelling else { return }
    var reader = head.take() ?? AnswerReader()
    reader.append(bytes)
    do throws(ResponseHead.Malformed) {
      guard let answer = try reader.next() else {
        head = reader
        return
      }
      if phase == .upgrading { return upgraded(answer, rest: reader.rest) }
      tunnelled(answer, rest: reader.rest)
    } catch {
      fail(.protocolViolation, "the answer cannot be read: \(error.message)")
    }
  }

  private func upgraded(_ head: ResponseHead, rest: ByteBuffer) {
    guard head.status == 101 else {
      return fail(
        TransportError(
          .upgradeRefused, message: "the upgrade was answered with HTTP \(head.status)",
          httpStatus: head.status, retryAfter: head.wait))
    }
    if let objection = upgrade?.objection(to: head) {
      return fail(.protocolViolation, "the upgrade was answered wrongly: \(objection)")
    }
    guard let connection = connection.take() else { return }
    connection.opened(rest)
    end(.success(connection))
    connection.deliver()
  }

  func failed(_ error: any Error) {
    switch phase {
    // The bootstrap reports it, and other addresses may be left.
    case .connecting, .idle, .resolving, .over: break
    case .securing:
      guard Self.isRefusal(error) else {
        return fail(.connectFailed, "the connection ended during the TLS handshake", error)
      }
      fail(.tlsFailed, "the TLS handshake with \(request.endpoint.host) failed", error)
    case .tunnelling: fail(.connectFailed, "the connection to the proxy failed", error)
    case .upgrading: fail(.connectionLost, "the connection failed before it was upgraded", error)
    }
  }

  func ended() {
    switch phase {
    case .connecting, .idle, .resolving, .over: break
    case .securing: fail(.connectFailed, "the connection ended during the TLS handshake")
    case .tunnelling: fail(.connectFailed, "the proxy ended the connection")
    case .upgrading: fail(.connectionLost, "the connection ended before it was upgraded")
    }
  }

  /// Whether TLS itself said no, rather than the connection below it.
  private static func isRefusal(_ error: any Error) -> Bool {
    switch error {
    case NIOSSLError.handshakeFailed(.sslError(let stack)):
      // A server in trouble says so by an alert; that is not a no.
      stack != [.eofDuringHandshake]
        && !stack.contains { $0.description.contains("ALERT_INTERNAL_ERROR") }
    case NIOSSLError.handshakeFailed: false
    case NIOSSLError.uncleanShutdown: false
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: true
    default: false
    }
  }
}

extension NIODial: DialUnderWay {
  /// Gives up, whatever has been reached, also before the start.
  func cancel() {
    state.loop.execute { self.fail(.cancelled, "the dial was cancelled") }
  }
}

extension NIODial: DeadlineOwner {
  func deadlinePassed() {
    deadline = nil
    switch phase {
    case .resolving: fail(.timedOut, "resolving \(target.host) took too long")
    case .connecting:
      resolver.distrust(target.host)
      fail(.timedOut, "TCP connect took too long")
    case .tunnelling: fail(.timedOut, "the proxy took too long to connect")
    case .securing: fail(.timedOut, "the TLS handshake took too long")
    case .upgrading: fail(.timedOut, "the upgrade took too long")
    case .idle, .over: break
    }
  }
}
#endif
