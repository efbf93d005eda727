/*
 * The load of the benchmarks: one thread on epoll, quick enough that the program under test is what is measured.
 *
 *   load MODE [--connections N] [--send BYTES] [--receive BYTES] [--pattern zeros|lines|frames|separated]
 *        [--unit BYTES] [--idle N] [--warm-up S] [--seconds S] [--tls]
 *
 * It reads "PID PORT\n" of the program under test from its standard input; where that program is a client, it prints
 * "PORT\n" of its own before. It prints one line of JSON: operations, seconds, CPU seconds of the program, memory in bytes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, EVENTS = 512, SEPARATOR = 4 };

struct options {
  const char *mode, *pattern;
  size_t send, receive, unit;
  int connections, idle;
  double warm_up, seconds;
  bool tls;
};

struct connection {
  int fd;
  SSL *ssl;
  uint32_t interest;
  void (*progress)(struct connection *);
  size_t sent;     /* of the current message, or of the whole stream */
  size_t received; /* likewise */
  bool has_ended;
  char reply[32];
};

struct usage {
  double user, system;
};

static struct options options = {.mode = "", .pattern = "zeros", .send = 64, .receive = 64, .unit = 1, .connections = 1, .warm_up = 0.5, .seconds = 1};
static int loop;
static int target_pid, target_port;
static SSL_CTX *context;
static char *message;        /* what is sent, `message_size` bytes, again and again */
static size_t message_size;
static char scratch[CHUNK];
static uint64_t operations;  /* exchanges, connections or bytes: what the mode counts */
static double stop_sending;  /* when the stream that is sent ends */
static int open_connections;

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* What the kernel has accounted to the program under test. */

static struct usage usage_of_target(void) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", target_pid);
  FILE *file = fopen(path, "r");
  if (!file || !fgets(line, sizeof line, file)) fail(path);
  fclose(file);
  unsigned long user, system;
  const char *rest = strrchr(line, ')');
  if (sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) fail(path);
  double tick = sysconf(_SC_CLK_TCK);
  return (struct usage){user / tick, system / tick};
}

static double memory_of_target(const char *field) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", target_pid);
  FILE *file = fopen(path, "r");
  if (!file) fail(path);
  double kibibytes = 0;
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, field, strlen(field))) kibibytes = atof(line + strlen(field) + 1);
  fclose(file);
  return kibibytes * 1024;
}

/* Connections. Reading and writing give the number of bytes, 0 at the end of the stream, and -1 where one has to wait. */

static void watch(struct connection *connection, uint32_t interest) {
  if (connection->interest == interest) return;
  struct epoll_event event = {.events = interest, .data.ptr = connection};
  int operation = connection->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(loop, operation, connection->fd, &event)) fail("epoll_ctl");
  connection->interest = interest;
}

static ssize_t tls_result(struct connection *connection, int result) {
  if (result > 0) return result;
  switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ: watch(connection, EPOLLIN); return -1;
    case SSL_ERROR_WANT_WRITE: watch(connection, EPOLLIN | EPOLLOUT); return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = ECONNRESET; fail("TLS");
  }
  return -1;
}

static ssize_t receive(struct connection *connection, void *target, size_t size) {
  if (connection->ssl) return tls_result(connection, SSL_read(connection->ssl, target, size));
  ssize_t result = read(connection->fd, target, size);
  if (result >= 0) return result;
  if (errno != EAGAIN) fail("read");
  return -1;
}

static ssize_t transmit(struct connection *connection, const void *data, size_t size) {
  if (connection->ssl) return tls_result(connection, SSL_write(connection->ssl, data, size));
  ssize_t result = write(connection->fd, data, size);
  if (result >= 0) {
    if (connection->interest != EPOLLIN) watch(connection, EPOLLIN);
    return result;
  }
  if (errno != EAGAIN) fail("write");
  watch(connection, EPOLLIN | EPOLLOUT);
  return -1;
}

static void prepare(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

static struct connection *adopt(int fd, void (*progress)(struct connection *)) {
  struct connection *connection = calloc(1, sizeof *connection);
  connection->fd = fd;
  connection->progress = progress;
  prepare(fd);
  open_connections++;
  return connection;
}

static struct connection *open_connection(void (*progress)(struct connection *)) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(target_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
  struct connection *connection = adopt(fd, progress);
  if (options.tls) {
    connection->ssl = SSL_new(context);
    SSL_set_fd(connection->ssl, fd);
    SSL_set_connect_state(connection->ssl);
  }
  watch(connection, EPOLLIN);
  return connection;
}

static void close_connection(struct connection *connection) {
  if (connection->ssl) {
    SSL_shutdown(connection->ssl);
    SSL_free(connection->ssl);
  }
  close(connection->fd);
  connection->fd = -1;
  open_connections--;
}

static int listener, listening_port;

static void listen_here(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  listening_port = ntohs(address.sin_port);
}

/* Modes: what a connection does whenever it can. */

static void send_message(struct connection *connection, size_t size) {
  while (connection->sent < size) {
    size_t left = size - connection->sent, at = connection->sent % message_size;
    size_t step = message_size - at < left ? message_size - at : left;
    ssize_t sent = transmit(connection, message + at, step);
    if (sent <= 0) return;
    connection->sent += sent;
  }
}

/* Whether `scratch` holds what was sent at `position`, as far as `message` goes before it begins again. */
static bool is_echo(size_t position, size_t size) {
  size_t at = position % message_size, left = message_size - at;
  return !memcmp(scratch, message + at, size < left ? size : left);
}

/* A message there and one back, again and again. */
static void exchange(struct connection *connection) {
  for (;;) {
    send_message(connection, options.send);
    ssize_t size = receive(connection, scratch, sizeof scratch);
    if (size < 0) return;
    if (size == 0) fail("the program ended a connection");
    if (options.send == options.receive && !is_echo(connection->received, size)) fail("what came back is not what was sent");
    connection->received += size;
    if (connection->received < options.receive) continue;
    if (connection->received > options.receive) fail("more came back than was sent");
    operations++;
    connection->sent = connection->received = 0;
  }
}

/* One exchange for each connection. */
static void visit(struct connection *connection) {
  send_message(connection, options.send);
  ssize_t size = receive(connection, scratch, sizeof scratch);
  if (size < 0) return;
  connection->received += size;
  if (size == 0 || connection->received > options.receive) fail("a visit did not end as it should");
  if (connection->received < options.receive) return;
  operations++;
  close_connection(connection);
  free(connection);
  visit(open_connection(visit));
}

/* Sends until it is time to stop, then expects the number of units the program has seen. */
static void send_stream(struct connection *connection) {
  while (!connection->has_ended) {
    /* Whole units only: a stream ends between two. */
    size_t end = connection->sent + message_size - connection->sent % message_size;
    if (connection->sent % message_size == 0 && now() >= stop_sending) {
      operations += connection->sent / options.unit;
      connection->has_ended = true;
      shutdown(connection->fd, SHUT_WR);
      break;
    }
    send_message(connection, end);
    if (connection->sent < end) return;
  }
  ssize_t size = receive(connection, connection->reply + connection->received, sizeof connection->reply - 1 - connection->received);
  if (size < 0) return;
  connection->received += size;
  if (size > 0) return;
  if (strtoull(connection->reply, NULL, 10) != connection->sent / options.unit) {
    fprintf(stderr, "load: %zu sent, the program saw %s\n", connection->sent / options.unit, connection->reply);
    exit(1);
  }
  close_connection(connection);
}

static void receive_stream(struct connection *connection) {
  for (int turns = 0; turns < 8; turns++) {
    ssize_t size = receive(connection, scratch, sizeof scratch);
    if (size == 0) fail("the program ended the stream");
    if (size < 0) return;
    operations += size;
  }
}

static void send_and_receive(struct connection *connection) {
  size_t before = connection->sent;
  send_message(connection, connection->sent + CHUNK);
  operations += connection->sent - before;
  receive_stream(connection);
}

static void send_forever(struct connection *connection) {
  for (int turns = 0; turns < 8; turns++) {
    size_t end = connection->sent + CHUNK;
    send_message(connection, end);
    if (connection->sent < end) return;
  }
  watch(connection, EPOLLIN | EPOLLOUT);
}

/* For clients under test: sends back what comes, and counts the connections they end. */
static void echo_until_end(struct connection *connection) {
  for (;;) {
    ssize_t size = receive(connection, scratch, sizeof scratch);
    if (size < 0) return;
    if (size == 0) break;
    if (transmit(connection, scratch, size) != size) fail("an echo that is not taken at once");
  }
  operations++;
  close_connection(connection);
  free(connection);
}

static void accept_all(struct connection *server) {
  void (*progress)(struct connection *) = strcmp(options.mode, "relay") ? echo_until_end : receive_stream;
  for (int fd; (fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;) watch(adopt(fd, progress), EPOLLIN);
}

static void stay_idle(struct connection *connection) {
  (void)connection;
  fail("an idle connection was told something");
}

/* The run. */

static void turn(double until) {
  struct epoll_event events[EVENTS];
  double left = until - now();
  int count = epoll_wait(loop, events, EVENTS, left > 0 ? (int)(left * 1000) + 1 : 0);
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  for (int i = 0; i < count; i++) {
    struct connection *connection = events[i].data.ptr;
    connection->progress(connection);
  }
}

static void run_until(double end) {
  while (now() < end) turn(end);
}

/* Streams are counted once they are delivered to the last byte. */
static void run_streams(double seconds) {
  struct connection *streams[options.connections];
  stop_sending = now() + seconds;
  for (int i = 0; i < options.connections; i++) {
    streams[i] = open_connection(send_stream);
    send_stream(streams[i]);
  }
  double give_up = stop_sending + 60;
  while (open_connections > 0 && now() < give_up) turn(give_up);
  if (open_connections > 0) fail("a stream was not read to its end");
  for (int i = 0; i < options.connections; i++) free(streams[i]);
}

static void make_message(void) {
  bool are_zeros = !strcmp(options.pattern, "zeros");
  size_t unit = options.unit;
  message_size = are_zeros ? CHUNK : unit >= CHUNK ? unit : CHUNK / unit * unit;
  message = malloc(message_size);
  for (size_t i = 0; i < message_size; i++) message[i] = 'a' + i % 23;
  if (!strcmp(options.pattern, "lines"))
    for (size_t i = unit - 1; i < message_size; i += unit) message[i] = '\n';
  if (!strcmp(options.pattern, "frames"))
    for (size_t i = 0; i < message_size; i += unit) {
      uint32_t size = htonl(unit - 4);
      memcpy(message + i, &size, 4);
    }
  if (!strcmp(options.pattern, "separated"))
    for (size_t i = unit; i <= message_size; i += unit) memcpy(message + i - SEPARATOR, "\r\n\r\n", SEPARATOR);
}

/* How much memory the program needs for each of so many connections that say nothing. */
static double open_idle_connections(void) {
  double before = 0;
  /* The first ones, for what is made once. */
  int settling = options.idle / 10;
  for (int i = 0; i < options.idle + settling; i++) {
    if (i == settling) {
      kill(target_pid, SIGURG);
      run_until(now() + 1);
      before = memory_of_target("VmRSS");
    }
    open_connection(stay_idle);
    if (i % 100 == 0) run_until(now() + 0.005);
  }
  run_until(now() + 0.5);
  kill(target_pid, SIGURG);
  run_until(now() + 1);
  return (memory_of_target("VmRSS") - before) / options.idle;
}

static void parse(int count, char **arguments) {
  static const struct option names[] = {
      {"connections", 1, 0, 'c'}, {"send", 1, 0, 's'}, {"receive", 1, 0, 'r'}, {"pattern", 1, 0, 'p'}, {"unit", 1, 0, 'u'},
      {"idle", 1, 0, 'i'}, {"warm-up", 1, 0, 'w'}, {"seconds", 1, 0, 't'}, {"tls", 0, 0, 'e'}, {0}};
  for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) switch (name) {
      case 'c': options.connections = atoi(optarg); break;
      case 's': options.send = atoll(optarg); break;
      case 'r': options.receive = atoll(optarg); break;
      case 'p': options.pattern = optarg; break;
      case 'u': options.unit = atoll(optarg); break;
      case 'i': options.idle = atoi(optarg); break;
      case 'w': options.warm_up = atof(optarg); break;
      case 't': options.seconds = atof(optarg); break;
      case 'e': options.tls = true; break;
      default: exit(2);
    }
  if (optind >= count) fail("no mode");
  options.mode = arguments[optind];
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  parse(count, arguments);
  make_message();
  loop = epoll_create1(EPOLL_CLOEXEC);
  if (options.tls) context = SSL_CTX_new(TLS_client_method());

  bool is_relay = !strcmp(options.mode, "relay"), is_serving = is_relay || !strcmp(options.mode, "serve");
  if (is_serving) {
    listen_here();
    struct connection *server = adopt(listener, accept_all);
    watch(server, EPOLLIN);
    printf("%d\n", listening_port);
    fflush(stdout);
  }
  if (scanf("%d %d", &target_pid, &target_port) != 2) fail("PID and PORT of the program");

  double each = options.idle > 0 ? open_idle_connections() : 0;
  bool is_stream = !strcmp(options.mode, "send");
  struct usage before, after;
  double begun, seconds;
  if (is_stream) {
    run_streams(options.warm_up);
    operations = 0;
    begun = now();
    before = usage_of_target();
    run_streams(options.seconds);
  } else {
    void (*progress)(struct connection *) = !strcmp(options.mode, "exchange") ? exchange
        : !strcmp(options.mode, "visit")                                      ? visit
        : !strcmp(options.mode, "receive")                                    ? receive_stream
        : !strcmp(options.mode, "both")                                       ? send_and_receive
                                                                              : send_forever;
    if (!is_serving || is_relay)
      for (int i = 0; i < options.connections; i++) {
        struct connection *connection = open_connection(progress);
        progress(connection);
      }
    run_until(now() + options.warm_up);
    operations = 0;
    begun = now();
    before = usage_of_target();
    run_until(begun + options.seconds);
  }
  seconds = now() - begun;
  after = usage_of_target();
  printf("{\"operations\":%llu,\"seconds\":%.6f,\"user\":%.4f,\"system\":%.4f,\"peakMemory\":%.0f,\"memoryEach\":%.0f}\n",
         (unsigned long long)operations, seconds, after.user - before.user, after.system - before.system,
         memory_of_target("VmHWM"), each);
  return 0;
}
